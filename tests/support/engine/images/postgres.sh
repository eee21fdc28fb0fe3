#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the entry point of the image `postgres` does with these variables, as far as the tests need it.
set -e
case $1 in -*) set -- postgres "$@" ;; esac
[ "$1" = postgres ] || exec "$@"
: "${POSTGRES_USER:=postgres}"
: "${POSTGRES_DB:=$POSTGRES_USER}"
as() { /usr/bin/setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }

mkdir -p "$PGDATA" /var/run/postgresql
chown postgres:postgres "$PGDATA" /var/run/postgresql
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "$POSTGRES_PASSWORD" ]; then
    echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
    exit 1
  fi
  password=/dev/shm/password
  (umask 077 && printf %s "$POSTGRES_PASSWORD" >$password)
  chown postgres $password
  as initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile=$password -A scram-sha-256 --auth-local=trust -E UTF8 --no-locale
  rm $password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  [ "$POSTGRES_DB" = postgres ] ||
    echo "CREATE DATABASE \"$POSTGRES_DB\"" | as postgres --single -jE -D "$PGDATA" postgres
  echo 'PostgreSQL init process complete; ready for start up.'
fi
exec /usr/bin/setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
