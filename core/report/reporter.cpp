// SPDX-License-Identifier: Apache-2.0
#include "report/reporter.hpp"

#include "report/console.hpp"
#include "report/json_lines.hpp"
#include "report/plain.hpp"
#include "util/terminal.hpp"

namespace fusebox::report {

std::unique_ptr<Reporter> make_reporter(const ReporterOptions& options) {
  if (options.json) return std::make_unique<JsonLines>(options.out_fd);
  if (!options.force_plain && util::can_redraw(options.out_fd))
    return std::make_unique<Console>(options);
  return std::make_unique<Plain>(options);
}

}  // namespace fusebox::report
