// SPDX-License-Identifier: Apache-2.0
#include "record.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <fusebox/plugin.hpp>

namespace runtime_process {
namespace {

namespace json = boost::json;

json::object to_json(const ProcessId& id) {
  return {{"pid", id.pid}, {"start_time", id.start_time}};
}

ProcessId process_from(const json::value& value) {
  return {value.at("pid").to_number<pid_t>(), value.at("start_time").to_number<std::uint64_t>()};
}

SystemTime time_from(const json::value& value) {
  return parse_time(value.as_string()).value_or(SystemTime{});
}

}  // namespace

bool Record::running() const { return !exit_code && boot == boot_id() && alive(process); }
bool Record::shim_alive() const { return boot == boot_id() && alive(shim); }

fs::path record_file(const fs::path& state_dir, std::string_view service) {
  return state_dir / "services" / fmt::format("{}.json", service);
}

fs::path lock_file(const fs::path& state_dir, std::string_view service) {
  return state_dir / "services" / fmt::format("{}.lock", service);
}

std::optional<Record> read_record(const fs::path& state_dir, std::string_view service) {
  const fs::path file = record_file(state_dir, service);
  const auto text = read_file(file);
  if (!text) return std::nullopt;
  try {
    return record_from_json(json::parse(*text).as_object());
  } catch (const std::exception& e) {
    throw fbx::Error(FBX_IO, fmt::format("{} is damaged: {}", file.string(), e.what()),
                     "stop the service's process by hand, then remove the file");
  }
}

json::object to_json(const Record& record) {
  json::object out{{"run", record.run},
                   {"definition", to_json(record.definition)},
                   {"hash", record.hash},
                   {"boot", record.boot},
                   {"process", to_json(record.process)},
                   {"shim", to_json(record.shim)},
                   {"started_at", format_time(record.started_at)}};
  if (record.ended_at) out["ended_at"] = format_time(*record.ended_at);
  if (record.exit_code) out["exit_code"] = *record.exit_code;
  return out;
}

Record record_from_json(const json::object& in) {
  Record record;
  record.run = in.at("run").as_string();
  record.definition = definition_from_json(in.at("definition").as_object());
  record.hash = in.at("hash").as_string();
  record.boot = in.at("boot").as_string();
  record.process = process_from(in.at("process"));
  record.shim = process_from(in.at("shim"));
  record.started_at = time_from(in.at("started_at"));
  if (const auto* ended = in.if_contains("ended_at")) record.ended_at = time_from(*ended);
  if (const auto* code = in.if_contains("exit_code")) record.exit_code = code->to_number<int>();
  return record;
}

}  // namespace runtime_process
