// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "plugin/host.hpp"
#include "report/reporter.hpp"
#include "run/observer.hpp"

#include <fusebox/observer.h>

namespace fusebox::cli {

std::unique_ptr<report::Reporter> Context::make_reporter() {
  report::ReporterOptions options;
  options.json = output_.is_json();
  options.quiet = output_.is_quiet();
  options.verbose = output_.is_verbose();
  options.no_color = arguments_.has("no-color");
  auto reporter = report::make_reporter(options);

  std::vector<std::string> observers;
  for (const auto& instance : host().instances()) {
    if (instance.plugin->manifest.provides_interface(FBX_IFACE_OBSERVER)) {
      observers.push_back(instance.name);
    }
  }
  if (observers.empty()) return reporter;
  std::vector<std::unique_ptr<report::Reporter>> all;
  all.push_back(std::move(reporter));
  all.push_back(std::make_unique<run::ObserverReporter>(
      observers,
      [this](const std::string& instance, std::string_view event, const plugin::CallContext& call) {
        host().observe(instance, event, call);
      },
      [this](const std::string& text) { output_.warn(text); }));
  return std::make_unique<report::Fanout>(std::move(all));
}

}  // namespace fusebox::cli
