// SPDX-License-Identifier: Apache-2.0
// A host just large enough to load one built plugin and call it, so that a plugin's test needs
// nothing of core/. Include it in one source file of a test program.
#pragma once

#include "fusebox/plugin.hpp"

#include <dlfcn.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fusebox::test {

// What one call into a plugin gave.
struct Answer {
  fbx_rc rc = FBX_OK;
  std::string text;  // what the plugin wrote
  std::string what;  // what it gave to fail()
  std::string hint;
};

struct FakeHost {
  // What a child process gave, and how a test answers for one.
  struct Process {
    fbx_rc rc = FBX_OK;
    int exit_code = 0;
    std::string out;
    std::string err;
  };
  using RunProcess = std::function<Process(std::string_view request, std::string_view stdin_bytes)>;

  std::map<std::string, std::string> secrets;  // put by the plugin, or to be got by it
  std::vector<std::string> log;                // "warn: text"
  std::vector<std::string> checkpoints;
  std::function<void(std::string_view)> on_checkpoint;  // after it was kept
  RunProcess run_process;
  // What its runtime answers for endpoint(), by service; "" means that the service is down, "-"
  // that it cannot run here. While the map is empty, the stack has no runtime.
  std::map<std::string, std::string> endpoints;
  // What it answers for services(); "" means that it cannot tell now. It may change between calls.
  std::function<std::string()> services;
  // Runs a program beside a service: the request of exec(), its streams, the exit code.
  std::function<int(std::string_view request, int in, int out, int err)> exec;
  bool cancelled = false;
  int cancel_fd = -1;  // readable: cancelled, too
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::mutex mutex;

  bool logged(std::string_view part) const {
    for (const std::string& line : log)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }
};

}  // namespace fusebox::test

// One call in flight.
struct fbx_op {
  fusebox::test::FakeHost* host;
  fusebox::test::Answer answer;
};

namespace fusebox::test {

namespace fake {

using Lock = std::lock_guard<std::mutex>;

inline fbx_rc write(fbx_sink sink, std::string_view bytes) {
  return sink.write(sink.ctx,
                    {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});  // NOLINT
}

inline fbx_rc secret_get(fbx_op* op, fbx_str name, fbx_sink value) {
  const Lock lock(op->host->mutex);
  const auto found = op->host->secrets.find(std::string(fbx::view(name)));
  if (found != op->host->secrets.end()) return write(value, found->second);
  op->answer.what = "no secret " + std::string(fbx::view(name));
  return FBX_NOT_FOUND;
}

inline fbx_rc secret_put(fbx_op* op, fbx_str name, fbx_span value) {
  const Lock lock(op->host->mutex);
  op->host->secrets[std::string(fbx::view(name))] =
      std::string(reinterpret_cast<const char*>(value.ptr), value.len);  // NOLINT
  return FBX_OK;
}

inline fbx_rc process_run(fbx_op* op, fbx_str request, fbx_span in, fbx_sink out, fbx_sink err,
                          fbx_sink result) {
  if (!op->host->run_process) {
    op->answer.what = "the test runs no process";
    return FBX_UNSUPPORTED;
  }
  const std::string_view stdin_bytes(reinterpret_cast<const char*>(in.ptr), in.len);  // NOLINT
  const FakeHost::Process process = op->host->run_process(fbx::view(request), stdin_bytes);
  if (process.rc != FBX_OK) {
    op->answer.what = "cannot run the program";
    return process.rc;
  }
  write(out, process.out);
  write(err, process.err);
  return write(result, "{\"exit_code\":" + std::to_string(process.exit_code) + ",\"signal\":0}");
}

inline fbx_rc endpoint(fbx_instance*, fbx_op* op, fbx_str request, fbx_sink result) {
  // The request is {"service":"<name>","port":<n>}.
  constexpr std::string_view key = "\"service\":\"";
  const std::string_view text = fbx::view(request);
  const auto start = std::min(text.find(key), text.size() - key.size()) + key.size();
  const auto found =
      op->host->endpoints.find(std::string(text.substr(start, text.find('"', start) - start)));
  op->answer.what = "no such service, or it does not run";
  if (found == op->host->endpoints.end()) return FBX_NOT_FOUND;
  if (found->second.empty()) return FBX_UNAVAILABLE;
  if (found->second == "-") return FBX_SKIPPED;
  op->answer.what.clear();
  return write(result, found->second);
}

inline fbx_rc services(fbx_instance*, fbx_op* op, fbx_str, fbx_sink result) {
  const std::string answer = op->host->services ? op->host->services() : "";
  if (!answer.empty()) return write(result, answer);
  op->answer.what = "the test's runtime cannot tell";
  return FBX_UNAVAILABLE;
}

inline fbx_rc exec(fbx_instance*, fbx_op* op, fbx_str request, int32_t in, int32_t out, int32_t err,
                   fbx_sink result) {
  const int code = op->host->exec(fbx::view(request), in, out, err);
  return write(result, "{\"exit_code\":" + std::to_string(code) + "}");
}

inline fbx_rc service_open(fbx_op* op, fbx_str id, const void** table, fbx_instance** self) {
  static const fbx_runtime_v1 runtime = [] {
    fbx_runtime_v1 slots{};
    slots.struct_size = sizeof slots;
    slots.services = &services;
    slots.endpoint = &endpoint;
    slots.exec = &exec;
    return slots;
  }();
  if (fbx::view(id) != FBX_IFACE_RUNTIME || (op->host->endpoints.empty() && !op->host->exec)) {
    op->answer.what = "the test has no provider of this interface";
    return FBX_NOT_FOUND;
  }
  *table = &runtime;
  *self = nullptr;
  return FBX_OK;
}

inline const void* interface(fbx_op*, fbx_str id) {
  static const fbx_host_secret_v1 secret = {sizeof secret, 0, &secret_get, &secret_put};
  static const fbx_host_process_v1 process = {sizeof process, 0, &process_run};
  static const fbx_host_service_v1 service = {sizeof service, 0,       &service_open,
                                              nullptr,        nullptr, nullptr};
  if (fbx::view(id) == FBX_HOST_SERVICE) return &service;
  if (fbx::view(id) == FBX_HOST_SECRET) return &secret;
  if (fbx::view(id) == FBX_HOST_PROCESS) return &process;
  return nullptr;
}

inline void log(fbx_op* op, int32_t level, fbx_str message) {
  const char* const names[] = {"debug", "info", "warn", "error"};
  const Lock lock(op->host->mutex);
  op->host->log.push_back(std::string(names[level]) + ": " + std::string(fbx::view(message)));
}

inline fbx_rc fail(fbx_op* op, fbx_rc rc, fbx_str what, fbx_str hint) {
  op->answer.what = fbx::view(what);
  op->answer.hint = fbx::view(hint);
  return rc;
}

inline void progress(fbx_op*, uint64_t, uint64_t, fbx_str, fbx_str) {}

inline int64_t remaining_ms(fbx_op* op) {
  if (!op->host->deadline) return -1;
  const auto left = *op->host->deadline - std::chrono::steady_clock::now();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  return ms < 0 ? 0 : ms;
}

inline int32_t cancelled(fbx_op* op) {
  pollfd told{op->host->cancel_fd, POLLIN, 0};
  const bool stop = op->host->cancelled || ::poll(&told, 1, 0) > 0;
  return stop || remaining_ms(op) == 0 ? 1 : 0;
}

inline int32_t cancel_fd(fbx_op* op) { return op->host->cancel_fd; }

inline fbx_rc checkpoint(fbx_op* op, fbx_str json) {
  {
    const Lock lock(op->host->mutex);
    op->host->checkpoints.emplace_back(fbx::view(json));
  }
  if (op->host->on_checkpoint) op->host->on_checkpoint(fbx::view(json));
  return FBX_OK;
}

inline constexpr fbx_host table = {
    sizeof(fbx_host), FBX_ABI_MINOR, &interface, &log,          &fail,
    &progress,        &cancelled,    &cancel_fd, &remaining_ms, &checkpoint};

}  // namespace fake

// One instance of a plugin. Its calls may come from several threads.
class LoadedPlugin {
 public:
  // Throws when the library cannot be loaded; a failed create is kept in created().
  LoadedPlugin(FakeHost& host, const std::string& library, std::string_view context) : host_(host) {
    void* handle =
        ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);  // never unloaded: plugins are not
    if (handle == nullptr) throw std::runtime_error(::dlerror());
    const auto* entry = static_cast<const fbx_entry*>(::dlsym(handle, "fusebox_plugin_entry_v1"));
    if (entry == nullptr) throw std::runtime_error("no entry in " + library);
    plugin_ = entry->plugin;
    created_ = call([&](fbx_op* op, fbx_sink) {
      return plugin_->create(&fake::table, op, fbx::to_str(context), &instance_);
    });
  }
  ~LoadedPlugin() {
    if (instance_ != nullptr) plugin_->destroy(instance_);
  }
  LoadedPlugin(const LoadedPlugin&) = delete;
  LoadedPlugin& operator=(const LoadedPlugin&) = delete;

  const Answer& created() const { return created_; }
  fbx_instance* instance() const { return instance_; }

  template <class Table>
  const Table& table(const char* id) const {
    const void* found = plugin_->get_interface(instance_, fbx::to_str(id));
    if (found == nullptr) throw std::runtime_error(std::string("the plugin has no ") + id);
    return *static_cast<const Table*>(found);
  }

  Answer plan(std::string_view request) {
    return ask(table<fbx_step_v1>(FBX_IFACE_STEP).plan, request);
  }
  Answer run(std::string_view request) {
    return ask(table<fbx_step_v1>(FBX_IFACE_STEP).run, request);
  }
  Answer undo(std::string_view request) {
    return ask(table<fbx_step_v1>(FBX_IFACE_STEP).undo, request);
  }
  Answer secrets_list(std::string_view request = "{}") {
    return ask(table<fbx_secrets_v1>(FBX_IFACE_SECRETS).list, request);
  }
  Answer secrets_resolve(std::string_view request) {
    return ask(table<fbx_secrets_v1>(FBX_IFACE_SECRETS).resolve, request);
  }
  Answer secrets_check(std::string_view request = "{}") {
    return ask(table<fbx_secrets_v1>(FBX_IFACE_SECRETS).check, request);
  }
  Answer secrets_template(std::string_view request) {
    return ask(table<fbx_secrets_v1>(FBX_IFACE_SECRETS).template_text, request);
  }

  // For slots of another shape: `body` gets the op and a sink for the answer's text.
  template <class Body>
  Answer call(Body body) {
    fbx_op op{&host_, {}};
    std::string text;
    op.answer.rc = body(&op, fbx::collect(text));
    op.answer.text = std::move(text);
    return std::move(op.answer);
  }

 private:
  template <class Slot>
  Answer ask(Slot slot, std::string_view request) {
    return call(
        [&](fbx_op* op, fbx_sink out) { return slot(instance_, op, fbx::to_str(request), out); });
  }

  FakeHost& host_;
  const fbx_plugin* plugin_ = nullptr;
  fbx_instance* instance_ = nullptr;
  Answer created_;
};

}  // namespace fusebox::test
