// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace fbx::langfuse {

namespace {

json::object table_of(const common::Context& context, std::string_view key) {
  const json::object* table = common::object_at(context.config, key);
  return table == nullptr ? json::object{} : *table;
}

}  // namespace

Settings::Settings(std::string_view context_json)
    : context(common::parse_context(context_json)),
      web(table_of(context, "web")),
      worker(table_of(context, "worker")),
      postgres(table_of(context, "postgres")),
      clickhouse(table_of(context, "clickhouse")),
      wants_utc(common::need_text(context.config, "timezone") != "any"),
      timeout(common::need_duration(context.config, "timeout")) {}

Locked Settings::locked() const {
  return read_locked(context.versions, common::need_text(web, "image"),
                     common::need_text(worker, "image"));
}

common::Endpoint locate(const Op& op, const json::object& table) {
  return common::resolve_endpoint(op, table, 0);
}

std::string name_of(const json::object& table) {
  if (common::text_at(table, "host")) return common::endpoint_name(table, 0);
  return common::need_text(table, "service");
}

std::optional<ServiceState> ask_service(const Op& op, const json::object& table) {
  if (common::text_at(table, "host")) return std::nullopt;
  const auto runtime = op.try_runtime();
  if (!runtime) return std::nullopt;
  const std::string name = common::need_text(table, "service");
  std::string answer;
  try {
    answer = runtime->services(json::serialize(json::object{{"services", json::array{name}}}));
  } catch (const Reported& e) {
    if (e.rc() == FBX_CANCELLED) throw;
    return std::nullopt;
  }
  const json::object object =
      common::parse_object(answer, "the runtime's answer for services", FBX_INTERNAL);
  const json::array* services = common::array_at(object, "services");
  if (services == nullptr) return std::nullopt;
  for (const json::value& value : *services) {
    const json::object* service = value.if_object();
    if (service == nullptr || common::text_at(*service, "name") != name) continue;
    return ServiceState{common::text_at(*service, "state").value_or(""),
                        common::integer_at(*service, "restarts").value_or(0),
                        common::text_at(*service, "version").value_or("")};
  }
  return std::nullopt;
}

}  // namespace fbx::langfuse
