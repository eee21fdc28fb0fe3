// SPDX-License-Identifier: Apache-2.0
#include "plugin/process_service.hpp"

#include "plugin/host_impl.hpp"
#include "secrets/env_block.hpp"
#include "util/subprocess.hpp"
#include "util/wipe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace fusebox::plugin {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxStderr = 64U << 10U;
constexpr std::size_t kMaxValue = 128U << 10U;  // what an environment can carry

Error malformed(std::string_view what) {
  return {Errc::argument, fmt::format("a process request is malformed: {}", what)};
}

std::vector<std::string> command_of(const json::object& request) {
  const json::value* list = request.if_contains("command");
  if (list == nullptr || !list->is_array() || list->get_array().empty())
    throw malformed("no \"command\"");
  std::vector<std::string> command;
  for (const json::value& word : list->get_array()) {
    if (!word.is_string()) throw malformed("a word of \"command\" is no string");
    command.emplace_back(word.get_string());
  }
  return command;
}

void check_allowed(const Manifest& manifest, const std::string& program) {
  const std::string name = std::filesystem::path(program).filename().string();
  if (std::find(manifest.programs.begin(), manifest.programs.end(), name) ==
      manifest.programs.end())
    throw Error(Errc::denied,
                fmt::format("plugin \"{}\" wanted to run \"{}\", which its manifest does not name",
                            manifest.id, program),
                "its author adds it to `programs` in the manifest");
}

// A text with ${secret:NAME} in it.
void set_template(fbx_op* op, const CallContext& context, secrets::EnvBlock& environment,
                  std::string_view name, std::string_view text) {
  constexpr std::string_view opening = "${secret:";
  struct Wiped {
    std::string text;
    ~Wiped() { util::wipe(text); }
  } wiped;
  std::string& value = wiped.text;
  value.reserve(kMaxValue);  // a string that grows leaves its old bytes behind
  const auto append = [&](std::string_view bytes) {
    if (bytes.size() > kMaxValue - value.size())
      throw malformed(fmt::format("the value for \"{}\" is too long", name));
    value.append(bytes);
  };
  while (!text.empty()) {
    const std::size_t at = text.find(opening);
    const std::size_t end = at == std::string_view::npos ? at : text.find('}', at);
    append(text.substr(0, end == std::string_view::npos ? end : at));
    if (end == std::string_view::npos) break;
    const std::string secret(text.substr(at + opening.size(), end - at - opening.size()));
    op->host.require_secret(secret, op->instance, context);
    op->host.store.with(secret, append);
    text.remove_prefix(end + 1);
  }
  environment.set(name, value);
}

// A value is text, a template, or a handle whose secret goes straight from the store into the
// environment.
void set_variable(fbx_op* op, const CallContext& context, secrets::EnvBlock& environment,
                  std::string_view name, const json::value& value) {
  if (value.is_string()) {
    environment.set(name, value.get_string());
    return;
  }
  if (const json::value* text =
          value.is_object() ? value.get_object().if_contains("$template") : nullptr;
      text != nullptr && text->is_string())
    return set_template(op, context, environment, name, text->get_string());
  const json::value* handle =
      value.is_object() ? value.get_object().if_contains("$secret") : nullptr;
  if (handle == nullptr || !handle->is_string())
    throw malformed(fmt::format("\"environment\".\"{}\" is neither text nor a secret", name));
  const std::string secret(handle->get_string());
  op->host.require_secret(secret, op->instance, context);
  op->host.store.with(secret, [&](std::string_view bytes) { environment.set(name, bytes); });
}

void give(fbx_sink sink, std::string_view bytes, std::string_view what) {
  const fbx_span span{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  if (sink.write(sink.ctx, span) != FBX_OK)
    throw Error(Errc::nomem, fmt::format("the {} was not taken", what));
}

util::ProcessResult run_child(fbx_op* op, const CallContext& context, const json::object& request,
                              std::string_view stdin_bytes, fbx_sink out, std::string& err) {
  util::ProcessSpec spec;
  spec.command = command_of(request);
  check_allowed(op->instance.info.plugin->manifest, spec.command.front());
  if (const json::value* cwd = request.if_contains("cwd"); cwd != nullptr && cwd->is_string())
    spec.cwd = std::string(cwd->get_string());
  secrets::EnvBlock environment;
  if (const json::value* unset = request.if_contains("unset");
      unset != nullptr && unset->is_array())
    for (const json::value& name : unset->get_array())
      if (name.is_string()) environment.unset(name.get_string());
  if (const json::value* set = request.if_contains("environment");
      set != nullptr && set->is_object())
    for (const auto& variable : set->get_object())
      set_variable(op, context, environment, variable.key(), variable.value());
  spec.envp = environment.envp();
  const json::value* merge = request.if_contains("merge");
  const bool is_merged = merge != nullptr && merge->is_bool() && merge->get_bool();
  spec.stdin_bytes = stdin_bytes;
  return util::run_process(
      spec, [&](std::string_view bytes) { give(out, bytes, "program's output"); },
      [&](std::string_view bytes) {
        if (is_merged) return give(out, bytes, "program's output");
        err.append(bytes.substr(0, kMaxStderr - std::min(kMaxStderr, err.size())));
      },
      context.deadline, context.cancel);
}

fbx_rc process_run(fbx_op* op, fbx_str request_raw, fbx_span stdin_bytes, fbx_sink out,
                   fbx_sink err, fbx_sink result) {
  return answer(op, [&] {
    boost::system::error_code ec;
    const json::value request = json::parse(view(request_raw), ec);
    if (ec || !request.is_object()) throw malformed("it is no JSON object");
    std::string errors;
    const util::ProcessResult ended =
        run_child(op, context_of(op), request.get_object(), view(stdin_bytes), out, errors);
    give(err, op->host.redactor.redact(errors), "program's error text");
    util::wipe(errors);
    give(result,
         json::serialize(json::object{{"exit_code", ended.exit_code}, {"signal", ended.signal}}),
         "result");
  });
}

}  // namespace

const fbx_host_process_v1 kProcessTable = {sizeof(fbx_host_process_v1), 0, process_run};

}  // namespace fusebox::plugin
