// SPDX-License-Identifier: Apache-2.0
// The plugins of one stack, loaded when first used, and typed calls into them.
#pragma once

#include "plugin/catalog.hpp"
#include "util/cancel.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::config {
struct Config;
struct Problem;
}  // namespace fusebox::config
namespace fusebox::secrets {
class Store;
}

namespace fusebox::plugin {

enum class LogLevel { debug, info, warn, error };

struct Progress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: unknown
  std::string_view unit;
  std::string_view what;
};

// Everything that one call into a plugin hangs on. The callbacks may be called from any thread
// and get text that is redacted already.
struct CallContext {
  std::string label;  // "cache.check": names the call in errors
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const util::CancelToken* cancel = nullptr;
  std::function<void(LogLevel, std::string_view)> log;
  std::function<void(const Progress&)> progress;
  std::function<void(std::string_view json)> checkpoint;  // empty: outside a run
};

// One configured plugin, as the planner sees it: nothing of it is loaded.
struct InstanceInfo {
  std::string name;
  const Found* plugin = nullptr;
  boost::json::object config;        // canonical
  std::vector<std::string> secrets;  // names it may ask for
  std::vector<std::string> chosen;  // interfaces that its manifest offers, and [use] has it provide

  bool provides_interface(std::string_view id) const;
};

// Thread-safe. Calls throw Error with the plugin's own text; a plugin that breaks the ABI's rules
// (no detail, not JSON, bad UTF-8, ...) is an Error{internal} that names it.
class Host {
 public:
  // Checks every [plugins.*] table against its manifest; what is wrong goes to `problems`.
  // `store` outlives the host.
  Host(const config::Config& config, const Catalog& catalog, secrets::Store& store,
       std::vector<config::Problem>& problems);
  ~Host();

  const std::vector<InstanceInfo>& instances() const;
  const InstanceInfo* find(std::string_view name) const;

  // The instance that provides `interface_id` in this stack: the one that [use] names, or the only
  // one that does so without being chosen. Throws Error{not_found} when there is none,
  // Error{config} when several and none chosen.
  const InstanceInfo& provider(std::string_view interface_id) const;

  // Loads the instance's plugin and makes the instance, when that has not happened yet.
  void prepare(const std::string& instance, const CallContext&);

  // What `fusebox.secrets/1` must be able to resolve, asked for in one go at the first need.
  void needed_secrets(std::vector<std::string> names);

  // fusebox.step/1. The request's common fields come from the caller; see step.h.
  boost::json::object plan(const std::string& instance, const boost::json::object& request,
                           const CallContext&);
  boost::json::object run(const std::string& instance, const boost::json::object& request,
                          const CallContext&);
  boost::json::object undo(const std::string& instance, const boost::json::object& request,
                           const CallContext&);

  // fusebox.secrets/1
  boost::json::object secrets_list(const std::string& instance, const CallContext&);
  boost::json::object secrets_resolve(const std::string& instance,
                                      const std::vector<std::string>& names, const CallContext&);
  boost::json::object secrets_check(const std::string& instance, const CallContext&);
  std::string secrets_template(const std::string& instance, const std::vector<std::string>& names,
                               const CallContext&);

  // fusebox.runtime/1
  boost::json::object services(const std::string& instance, const boost::json::object& request,
                               const CallContext&);
  boost::json::object endpoint(const std::string& instance, const boost::json::object& request,
                               const CallContext&);
  boost::json::object stats(const std::string& instance, const boost::json::object& request,
                            const CallContext&);
  boost::json::object volumes(const std::string& instance, const boost::json::object& request,
                              const CallContext&);
  boost::json::object exec(const std::string& instance, const boost::json::object& request, int in,
                           int out, int err, const CallContext&);
  void logs(const std::string& instance, const boost::json::object& request,
            const std::function<void(std::string_view line)>& on_line, const CallContext&);
  boost::json::object volume_export(const std::string& instance, const boost::json::object& request,
                                    int fd, const CallContext&);
  boost::json::object volume_import(const std::string& instance, const boost::json::object& request,
                                    int fd, const CallContext&);
  boost::json::object volume_stage(const std::string& instance, const boost::json::object& request,
                                   int fd, const CallContext&);
  boost::json::object volume_turn(const std::string& instance, const boost::json::object& request,
                                  const CallContext&);

  // fusebox.store/1: what needs no run of its own. All else is a step's to do.
  boost::json::object store_list(const std::string& instance, const boost::json::object& request,
                                 const CallContext&);
  boost::json::object store_pin(const std::string& instance, const boost::json::object& request,
                                const CallContext&);

  // fusebox.observer/1
  void observe(const std::string& instance, std::string_view event_json, const CallContext&);

  // Opaque to callers; the host services inside the room use it.
  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusebox::plugin
