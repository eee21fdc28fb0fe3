// SPDX-License-Identifier: Apache-2.0
#include "samples/table.hpp"

namespace fusebox::samples {

std::span<const Token> settings() {
  static const Token table[] = {
      {"postgres-password", "POSTGRES_PASSWORD", "{n12-40}"},
      {"postgres-password", "PGPASSWORD", "{n12-40}"},
      {"clickhouse-password", "CLICKHOUSE_PASSWORD", "{n12-40}"},
      {"redis-password", "REDIS_AUTH", "{n12-40}"},
      {"redis-password", "REDIS_PASSWORD", "{n12-40}"},
      {"minio-secret-key", "MINIO_ROOT_PASSWORD", "{n16-40}"},
      {"minio-secret-key", "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY", "{n40}"},
      {"minio-access-key", "LANGFUSE_S3_MEDIA_UPLOAD_ACCESS_KEY_ID", "{n20}"},
      {"minio-access-key", "MINIO_ACCESS_KEY", "{n20}"},
      {"nextauth-secret", "NEXTAUTH_SECRET", "{b43}"},
      {"langfuse-init-secret", "LANGFUSE_INIT_USER_PASSWORD", "{n16-40}"},
      {"langfuse-salt", "SALT", "{b43}"},
      {"langfuse-encryption-key", "ENCRYPTION_KEY", "{h64}"},
  };
  return table;
}

}  // namespace fusebox::samples
