#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the entry point of MinIO's image does.
[ "$1" = minio ] || set -- minio "$@"
exec "$@"
