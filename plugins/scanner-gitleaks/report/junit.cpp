// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "report/go_text.hpp"
#include "report/report.hpp"

namespace fusebox::scan {

std::string write_junit(std::span<const Finding> findings) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
      "\t<testsuite failures=\"{0}\" name=\"gitleaks\" tests=\"{0}\" time=\"\">",
      findings.size());
  for (const Finding& finding : findings) {
    const std::string where =
        finding.commit.empty() ? "" : fmt::format(", at commit {}", finding.commit);
    const std::string message =
        go_xml_text(fmt::format("{} has detected a secret in file {}, line {}{}.", finding.rule_id,
                                finding.file, finding.start_line, where));
    const std::string description = go_xml_text(finding.description);
    out += fmt::format(
        "\n\t\t<testcase classname=\"{}\" file=\"{}\" name=\"{}\" time=\"\">\n"
        "\t\t\t<failure message=\"{}\" type=\"{}\">{}</failure>\n\t\t</testcase>",
        description, go_xml_text(finding.file), message, message, description,
        go_xml_text(go_json_finding(finding, "", "\t")));
  }
  return out + (findings.empty() ? "" : "\n\t") + "</testsuite>\n</testsuites>";
}

}  // namespace fusebox::scan
