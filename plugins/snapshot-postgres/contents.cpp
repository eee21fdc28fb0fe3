// SPDX-License-Identifier: Apache-2.0
#include "contents.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>

#include "psql.hpp"

namespace fbx::snapshot {

namespace json = boost::json;

namespace {

// A value's text depends on these.
constexpr std::string_view pins = R"(
SET LOCAL search_path = '';
SET LOCAL row_security = off;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL lc_monetary = 'C';
SET LOCAL xmlbinary = 'base64';
)";

constexpr std::string_view tables = R"(
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
  LATERAL (SELECT format('%I.%I', n.nspname, c.relname) AS name) q,
  LATERAL (SELECT string_agg(format('r.%I::text', a.attname), ' || '' '' || ' ORDER BY k.place) AS key
    FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(column_number, place), pg_attribute a
    WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.column_number) p
  WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)";

constexpr std::string_view count_only =
    R"('SELECT ''fbx-table'', %1$L, count(*), '''' FROM ONLY %1$s', name)";

// The mask keeps between half of the wanted number of rows and all of it.
constexpr std::string_view count_and_digest =
    R"('SELECT ''fbx-table'', %1$L, n, (SELECT coalesce(sum(hashtextextended((r.*)::text, 0)), 0) FROM ONLY %1$s AS r%2$s) '
  'FROM (SELECT count(*) AS n, (1::bigint << length(ltrim((count(*) / {0})::bit(64)::text, ''0''))) - 1 AS mask FROM ONLY %1$s) AS c',
  name, CASE WHEN {1} THEN ' WHERE hashtextextended(' || key || ', 0) & mask = 0' ELSE '' END)";

// Roles that the objects of this database belong to or are granted to. The first superuser is in no
// record of dependencies.
constexpr std::string_view facts = R"(
SELECT 'fbx-fact', 'version', current_setting('server_version');
SELECT 'fbx-fact', 'encoding', pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database();
SELECT 'fbx-fact', 'database', current_database();
SELECT 'fbx-fact', 'database_bytes', pg_database_size(current_database());
SELECT 'SELECT ''fbx-fact'', ''prisma_migration'', max(migration_name) FROM public._prisma_migrations WHERE finished_at IS NOT NULL'
  WHERE to_regclass('public._prisma_migrations') IS NOT NULL \gexec
SELECT json_agg(rolname ORDER BY rolname) AS fbx_roles FROM pg_roles
  WHERE oid = 10 OR oid IN (SELECT refobjid FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass
    AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())) \gset
SELECT 'fbx-fact', 'roles', :'fbx_roles';
SELECT 'fbx-left-out', format('the role %I, which a new server needs first', role)
  FROM json_array_elements_text(:'fbx_roles') role WHERE role <> current_user;
SELECT 'fbx-left-out', format('the database %I', datname) FROM pg_database
  WHERE datallowconn AND NOT datistemplate AND datname <> current_database() AND datname NOT LIKE 'fbx\_%'
    AND has_database_privilege(datname, 'CONNECT')
    AND (datname <> 'postgres' OR pg_database_size(datname) > pg_database_size('template1') + (2 << 20));
)";

// Cuts the last field off.
std::string_view take_last(std::string_view& line) {
  const std::size_t tab = line.rfind('\t');
  if (tab == std::string_view::npos) return {};
  const std::string_view field = line.substr(tab + 1);
  line = line.substr(0, tab);
  return field;
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::string contents_script(std::optional<DigestRows> digest) {
  std::string row(count_only);
  if (digest) {
    const bool some = *digest > 0;
    row = fmt::format(count_and_digest, some ? *digest : 1, some ? "key IS NOT NULL" : "false");
  }
  return fmt::format(
      "{}SELECT format({}){}  ORDER BY name \\gexec\n"
      "SELECT 'fbx-end', count(*){};\n",
      pins, row, tables, tables);
}

std::string facts_script() { return std::string(facts); }

Told read_told(std::string_view text) {
  Told told;
  std::size_t announced = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t tab = line.find('\t');
    const std::string_view kind = line.substr(0, tab);
    std::string_view rest = tab == std::string_view::npos ? "" : line.substr(tab + 1);
    if (kind == "fbx-table") {
      const std::string_view digest = take_last(rest);
      const std::string_view count = take_last(rest);
      told.counts[rest] = number(count);
      if (!digest.empty()) told.digests[rest] = digest;
    } else if (kind == "fbx-fact") {
      const std::string_view value = take_last(rest);
      if (rest == "version")
        told.version = value;
      else if (!value.empty())
        told.facts[rest] = value;
    } else if (kind == "fbx-left-out") {
      told.left_out.emplace_back(rest);
    } else if (kind == "fbx-end") {
      told.whole = true;
      announced = static_cast<std::size_t>(number(rest));
    } else if (kind == "fbx-dump") {
      told.dump_exit = static_cast<int>(number(rest));
    } else if (!line.empty()) {
      told.rest.append(line).append("\n");
    }
  }
  told.whole = told.whole && told.counts.size() == announced;
  return told;
}

std::string difference(const json::object& wanted, const json::object& found) {
  for (const auto& [name, value] : wanted) {
    const json::value* other = found.if_contains(name);
    if (other == nullptr) return fmt::format("{} is missing", std::string_view(name));
    if (*other != value)
      return fmt::format("{} has {} rows instead of {}", std::string_view(name),
                         json::serialize(*other), json::serialize(value));
  }
  for (const auto& [name, value] : found)
    if (!wanted.contains(name))
      return fmt::format("{} should not be there", std::string_view(name));
  return {};
}

}  // namespace fbx::snapshot
