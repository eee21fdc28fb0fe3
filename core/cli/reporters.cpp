// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "report/reporter.hpp"

namespace fusebox::cli {

std::unique_ptr<report::Reporter> Context::make_reporter() {
  report::ReporterOptions options;
  options.json = output_.is_json();
  options.quiet = output_.is_quiet();
  options.verbose = output_.is_verbose();
  options.no_color = arguments_.has("no-color");
  return report::make_reporter(options);
}

}  // namespace fusebox::cli
