#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the entry point of the image `clickhouse-server` does with these variables. The server inside is
# an old one: its configuration's outermost element has another name.
set -e
[ $# -eq 0 ] || exec "$@"
etc=/tmp/clickhouse-server
mkdir -p $etc/config.d
for file in /etc/clickhouse-server/config.d/*.xml; do
  [ ! -e "$file" ] || sed 's/\(<\/*\)clickhouse>/\1yandex>/' "$file" >"$etc/config.d/${file##*/}"
done
cat >$etc/users.xml <<XML
<yandex>
  <profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
  <quotas><default/></quotas>
  <users>
    <${CLICKHOUSE_USER:-default}>
      <password>$CLICKHOUSE_PASSWORD</password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </${CLICKHOUSE_USER:-default}>
  </users>
</yandex>
XML
cat >$etc/config.xml <<'XML'
<yandex>
  <logger><level>information</level><console>1</console></logger>
  <listen_host>0.0.0.0</listen_host>
  <http_port>8123</http_port>
  <tcp_port>9000</tcp_port>
  <interserver_http_port>9009</interserver_http_port>
  <path>/var/lib/clickhouse/</path>
  <tmp_path>/var/lib/clickhouse/tmp/</tmp_path>
  <user_files_path>/var/lib/clickhouse/user_files/</user_files_path>
  <format_schema_path>/var/lib/clickhouse/format_schemas/</format_schema_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
  <query_log><database>system</database><table>query_log</table></query_log>
  <query_thread_log><database>system</database><table>query_thread_log</table></query_thread_log>
</yandex>
XML
cd /var/lib/clickhouse
if [ "$(id -u)" = 0 ]; then
  exec /usr/bin/setpriv --reuid=clickhouse --regid=clickhouse --clear-groups clickhouse-server --config-file=$etc/config.xml
fi
exec clickhouse-server --config-file=$etc/config.xml
