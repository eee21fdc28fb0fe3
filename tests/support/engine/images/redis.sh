#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the entry point of the image `redis` does.
set -e
case $1 in -* | *.conf) set -- redis-server "$@" ;; esac
# The image's own server has its protected mode off from the start.
if [ "$1" = redis-server ]; then
  set -- "$@" --protected-mode no
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis '{}' +
    set -- /usr/bin/setpriv --reuid=redis --regid=redis --clear-groups "$@"
  fi
fi
exec "$@"
