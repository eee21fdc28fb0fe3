// SPDX-License-Identifier: Apache-2.0
#include "samples/table.hpp"

namespace fusebox::samples {

// Each scheme with a password in its URL.
std::span<const Token> urls() {
  static const Token table[] = {
      {"postgresql-url-password", "DATABASE_URL", "{postgresql|postgres|postgresql+psycopg2}"},
      {"clickhouse-url-password", "CLICKHOUSE_MIGRATION_URL", "{clickhouse|clickhouse+native}"},
      {"redis-url-password", "REDIS_CONNECTION_STRING", "{redis|rediss}"},
      {"database-url-password", "BROKER_URL", "{amqp|mysql|mongodb+srv|ldaps}"},
      {"http-url-password", "INDEX_URL", "{https|http}"},
  };
  return table;
}

}  // namespace fusebox::samples
