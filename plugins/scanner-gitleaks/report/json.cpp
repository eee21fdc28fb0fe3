// SPDX-License-Identifier: Apache-2.0
#include "report/go_text.hpp"
#include "report/report.hpp"

namespace fusebox::scan {

std::string write_json(std::span<const Finding> findings) {
  if (findings.empty()) return "[]\n";
  std::string out = "[";
  for (const Finding& finding : findings) {
    out += out.size() > 1 ? ",\n " : "\n ";
    out += go_json_finding(finding, " ", " ");
  }
  return out + "\n]\n";
}

}  // namespace fusebox::scan
