// SPDX-License-Identifier: Apache-2.0
#include "orb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/json.hpp"
#include "common/result.hpp"

namespace runtime_orbstack {

namespace {

namespace common = fbx::common;

constexpr std::string_view domains_label = "dev.orbstack.domains";
constexpr std::string_view http_port_label = "dev.orbstack.http-port";
constexpr std::string_view https_port_label = "dev.orbstack.https-port";

// Ports that OrbStack takes for a web server's without being told.
constexpr std::array<std::uint16_t, 5> usual_http_ports = {80, 443, 3000, 5000, 8080};

std::string label(const std::map<std::string, std::string>& labels, std::string_view key) {
  const auto it = labels.find(std::string(key));
  return it == labels.end() ? "" : it->second;
}

bool answers(fbx::docker::Engine& engine) {
  try {
    engine.ping();
    return true;
  } catch (const fbx::Error& e) {
    if (e.rc() != FBX_UNAVAILABLE && e.rc() != FBX_NOT_FOUND) throw;
    return false;
  }
}

// What `orb start` said; its exit code decides nothing, the engine's answer does.
std::string run_orb(const fbx::Op& op) {
  std::string said;
  try {
    op.run_process(R"({"command":["orb","start"],"merge":true})", {}, said);
  } catch (const fbx::Reported& e) {
    if (e.rc() != FBX_NOT_FOUND) throw;
    throw fbx::Error(FBX_NOT_FOUND, "OrbStack is not installed: there is no program `orb`",
                     "install it from https://orbstack.dev, or use runtime-docker");
  }
  return common::one_line(said);
}

bool is_behind_domain(const std::map<std::string, std::string>& labels, std::uint16_t target) {
  const std::string http = label(labels, http_port_label);
  const std::string https = label(labels, https_port_label);
  if (!http.empty() || !https.empty())
    return http == std::to_string(target) || https == std::to_string(target);
  return std::find(usual_http_ports.begin(), usual_http_ports.end(), target) !=
         usual_http_ports.end();
}

}  // namespace

void start_engine(const fbx::Op& op, fbx::docker::Engine& engine) {
  if (answers(engine)) return;
  op.log(fbx::Level::info, "starting OrbStack");
  const std::string said = run_orb(op);
  const common::Deadline deadline(op, start_time);
  constexpr std::chrono::milliseconds pause{200};
  while (!answers(engine)) {
    if (deadline.passed())
      throw fbx::Error(
          FBX_UNAVAILABLE,
          fmt::format("OrbStack's engine did not answer within {} after `orb start`{}{}",
                      common::human_ms(static_cast<double>(deadline.span().count())),
                      said.empty() ? "" : ": ", said),
          "start OrbStack by hand and look at its window: a first start asks questions");
    deadline.sleep(pause);
  }
}

void make_known(const fbx::Op& op, const fbx::docker::Wish& wish) {
  try {
    fbx::docker::find_engine(wish);
  } catch (const fbx::Error& e) {
    if (e.rc() != FBX_CONFIG) throw;
    run_orb(op);
    fbx::docker::find_engine(wish);
  }
}

std::string domain_url(const std::string& project, const std::string& service,
                       const std::map<std::string, std::string>& labels, std::uint16_t target) {
  if (!is_behind_domain(labels, target)) return {};
  const std::string domains = label(labels, domains_label);
  const std::string first = domains.substr(0, domains.find(','));
  // A name with * in it stands for many.
  if (!first.empty() && first.find('*') == std::string::npos) return "https://" + first;
  return fmt::format("https://{}.{}.orb.local", service, project);
}

}  // namespace runtime_orbstack
