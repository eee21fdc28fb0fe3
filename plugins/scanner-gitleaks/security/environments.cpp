// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <set>
#include <thread>

#include "common/dotenv.hpp"
#include "common/io.hpp"
#include "common/secret_rules.hpp"
#include "common/wiped.hpp"
#include "security/security.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
namespace common = fbx::common;
using common::Result;
using common::Severity;

namespace fusebox::scan {

namespace {

constexpr std::size_t most = std::size_t{1} << 20U;

bool sounds_secret(std::string_view name) {
  if (name.ends_with("_FILE") || name.ends_with("_ID")) return false;
  for (const char* part : {"PASSWORD", "SECRET", "SALT", "TOKEN", "_KEY", "_AUTH"})
    if (name.find(part) != std::string_view::npos) return true;
  return false;
}

// The names that the template of a vault's secrets refers to.
std::set<std::string, std::less<>> names_in_vault(const SecurityRequest& request) {
  const std::string given = common::text_at(request.step.with, "template").value_or("");
  const fs::path file = request.stack / (given.empty() ? "configs/secrets.env.template" : given);
  std::set<std::string, std::less<>> names;
  if (!fs::is_regular_file(file)) return names;
  try {
    const auto content = common::parse_dotenv(common::read_file(file, most), file.string(),
                                              [](std::string_view) { return std::nullopt; });
    for (const auto& entry : content.entries)
      if (entry.value.view().starts_with("op://")) names.insert(entry.name);
  } catch (const common::DotenvError& error) {
    throw fbx::Error(FBX_CONFIG, error.what(), "mend that line");
  }
  return names;
}

// What `env` says in a service's environment; read while it is written, and wiped.
common::WipedText environment_of(const fbx::RuntimeClient& runtime, const std::string& service) {
  common::Pipe pipe = common::make_pipe();
  common::WipedText text;
  std::thread reader([&] {
    std::array<char, 4096> room{};
    for (;;) {
      const ::ssize_t got = ::read(pipe.read.get(), room.data(), room.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      if (text.size() < most) text.append({room.data(), static_cast<std::size_t>(got)});
    }
    common::wipe(room.data(), room.size());
  });
  const auto end = [&] {
    pipe.write.reset();
    reader.join();
  };
  try {
    const std::string answer =
        runtime.exec(json::serialize(json::object{{"service", service}, {"command", {"env"}}}), -1,
                     pipe.write.get(), -1);
    end();
    if (common::integer_at(common::parse_object(answer, "exec"), "exit_code") != 0)
      throw fbx::Error(FBX_FAILED, "`env` does not run there");
  } catch (...) {
    if (reader.joinable()) end();
    throw;
  }
  return text;
}

std::size_t judge(const std::string& service, std::string_view environment,
                  const std::set<std::string, std::less<>>& vault, Result& result) {
  std::size_t judged = 0;
  for (std::size_t at = 0; at < environment.size();) {
    const std::size_t end = std::min(environment.find('\n', at), environment.size());
    const std::string_view line = environment.substr(at, end - at);
    at = end + 1;
    const std::size_t sign = line.find('=');
    if (sign == line.npos) continue;
    const std::string_view name = line.substr(0, sign);
    const std::string_view value = line.substr(sign + 1);
    const bool in_vault = vault.count(name) == 1;
    if (!in_vault && !sounds_secret(name)) continue;
    ++judged;
    const std::string where = fmt::format("{} of the service {}", name, service);
    if (value.starts_with("op://"))
      result.add({Severity::error, "a reference was never resolved", "", "fusebox deploy", where});
    else if (value.empty() && in_vault)
      result.add(
          {Severity::error, "the vault has it, the service does not", "", "fusebox deploy", where});
    else if (!value.empty())
      for (auto& finding : common::judge_secret(name, value, where))
        if (in_vault || finding.severity == Severity::error) result.add(std::move(finding));
  }
  return judged;
}

}  // namespace

void audit_environments(fbx::Op& op, const SecurityRequest& request, Result& result) {
  const auto runtime = op.try_runtime();
  if (!runtime) return;  // a repository without a stack
  const auto vault = names_in_vault(request);
  const json::object answer = common::parse_object(runtime->services(), "services");
  const json::array* services = common::array_at(answer, "services");
  std::size_t judged = 0;
  for (const json::value& service : services != nullptr ? *services : json::array{}) {
    const std::string name = common::text_at(service.as_object(), "name").value_or("");
    if (common::text_at(service.as_object(), "state") != "running") continue;
    op.check("looking into the services' environments");
    try {
      judged += judge(name, environment_of(*runtime, name).view(), vault, result);
    } catch (const fbx::Error&) {
      result.add({Severity::warning, "its environment could not be read", "", "", name});
    }
  }
  result.metric("environment_secrets", static_cast<std::int64_t>(judged), "");
}

}  // namespace fusebox::scan
