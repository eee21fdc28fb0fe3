// SPDX-License-Identifier: Apache-2.0
#include "security/incidents.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <fstream>

#include "common/io.hpp"
#include "common/json.hpp"
#include "common/time_text.hpp"
#include "report/go_text.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;

namespace fusebox::scan {

namespace {

std::string login() {
  const passwd* user = ::getpwuid(::geteuid());
  return user != nullptr ? user->pw_name : std::to_string(::geteuid());
}

}  // namespace

void record_incidents(const fs::path& top, const std::string& who, const std::string& source,
                      std::span<const Finding> findings) {
  const fs::path path = top / incidents_file;
  if (findings.empty() || !fs::is_directory(path.parent_path())) return;
  const fbx::common::Fd file(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || ::flock(file.get(), LOCK_EX) != 0)
    throw fbx::common::io_error("keeping an incident in", path, errno);
  const std::string time = fbx::common::format_time(std::chrono::system_clock::now());
  for (const Finding& finding : findings) {
    const json::object line{{"time", time},
                            {"who", well_formed(who.empty() ? login() : who)},
                            {"source", source},
                            {"rule", well_formed(finding.rule_id)},
                            {"file", well_formed(finding.file)},
                            {"line", finding.start_line},
                            {"commit", well_formed(finding.commit)},
                            {"fingerprint", well_formed(finding.fingerprint)}};
    fbx::common::write_all(file.get(), json::serialize(line) + "\n", path);
  }
}

std::vector<Incident> read_incidents(const fs::path& top, std::size_t& torn) {
  std::vector<Incident> incidents;
  std::ifstream in(top / incidents_file, std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    boost::system::error_code error;
    const json::value value = json::parse(line, error);
    if (error || !value.is_object()) {
      ++torn;
      continue;
    }
    const json::object& object = value.get_object();
    const auto text = [&](std::string_view key) {
      return fbx::common::text_at(object, key).value_or("");
    };
    incidents.push_back({text("time"), text("who"), text("source"), text("rule"), text("file"),
                         fbx::common::integer_at(object, "line").value_or(0), text("commit"),
                         text("fingerprint")});
  }
  return incidents;
}

}  // namespace fusebox::scan
