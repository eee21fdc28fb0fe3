// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "plugin/host.hpp"
#include "report/output.hpp"
#include "report/reporter.hpp"
#include "run/observer.hpp"

#include <fusebox/observer.h>
#include <boost/json/string.hpp>

#include <unistd.h>

namespace fusebox::cli {

namespace {

// Prints what a step made for another program to read, byte for byte.
class Documents : public report::Reporter {
 public:
  void on_event(const report::Event& event) override {
    if (event.type != report::EventType::step_finished) return;
    const auto* result = event.data.if_contains("result");
    if (result == nullptr || !result->is_object()) return;
    const auto* document = result->get_object().if_contains("document");
    if (document != nullptr && document->is_string()) output_.write(document->get_string());
  }

 private:
  report::Output output_{STDOUT_FILENO};
};

}  // namespace

std::unique_ptr<report::Reporter> Context::make_reporter() {
  report::ReporterOptions options;
  options.json = output_.is_json();
  options.quiet = output_.is_quiet();
  options.verbose = output_.is_verbose();
  options.no_color = arguments_.has("no-color");
  std::vector<std::unique_ptr<report::Reporter>> all;
  if (prints_documents_ && !options.json) {
    options.quiet = true;
    options.out_fd = STDERR_FILENO;
    all.push_back(std::make_unique<Documents>());
  }
  all.push_back(report::make_reporter(options));

  std::vector<std::string> observers;
  for (const auto& instance : host().instances()) {
    if (instance.plugin->manifest.provides_interface(FBX_IFACE_OBSERVER)) {
      observers.push_back(instance.name);
    }
  }
  if (!observers.empty()) {
    all.push_back(std::make_unique<run::ObserverReporter>(
        observers,
        [this](const std::string& instance, std::string_view event,
               const plugin::CallContext& call) { host().observe(instance, event, call); },
        [this](const std::string& text) { output_.warn(text); }));
  }
  if (all.size() == 1) return std::move(all.front());
  return std::make_unique<report::Fanout>(std::move(all));
}

}  // namespace fusebox::cli
