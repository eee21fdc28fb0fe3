#!/bin/sh
# What the entry point of MinIO's image does.
[ "$1" = minio ] || set -- minio "$@"
exec "$@"
