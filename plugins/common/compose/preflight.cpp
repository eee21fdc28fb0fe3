// SPDX-License-Identifier: Apache-2.0
#include "common/compose/preflight.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <set>

#include "common/compose/lock_file.hpp"
#include "common/compose/owners.hpp"
#include "common/compose/project.hpp"
#include "common/secret_rules.hpp"

namespace fbx::compose {

namespace {

using common::Finding;
using common::Severity;

constexpr std::string_view secret_prefix = "secret:";
constexpr std::string_view url_breakers = "/?#[]@:% &=+\\\"'<>{}|^`";

class Preflight {
 public:
  explicit Preflight(Project& project) : project_(project) {}

  json::object run() {
    const bool has_engine = check("the engine", [&] { engine(); });
    const bool has_compose = check("Compose", [&] { compose(); });
    const bool has_model = has_compose && check("the Compose files", [&] { files(); });
    check("the secrets", [&] { secrets(); });
    if (has_engine) check("the engine's room", [&] { room(); });
    if (has_model) check("the versions", [&] { versions(); });
    if (has_model) check("the volumes", [&] { volumes(); });
    if (has_model && has_engine) check("the volumes' owners", [&] { owners(); });
    if (has_model && has_engine) check("the networks", [&] { networks(); });
    // Another plugin's own words are better than ours, unless there is more to tell.
    if (reported_ && errors() == 1) std::rethrow_exception(reported_);
    result_.summary(summary()).judge();
    return common::parse_object(result_.json(), "the result");
  }

 private:
  // An error of one check is a finding, and the others go on.
  template <class Body>
  bool check(std::string_view what, Body body) {
    try {
      body();
      return true;
    } catch (const Error& e) {
      if (e.rc() == FBX_CANCELLED) throw;
      error(e.what(), e.hint());
    } catch (const Reported& e) {
      if (e.rc() == FBX_CANCELLED) throw;
      error(fmt::format("{} could not be checked", what), "`fusebox secrets check` tells why");
      if (!reported_) reported_ = std::current_exception();
    }
    return false;
  }

  void error(std::string what, std::string remedy, std::string where = {}) {
    result_.add({Severity::error, std::move(what), "", std::move(remedy), std::move(where)});
  }
  void add(Severity severity, std::string what, std::string remedy, std::string where = {}) {
    result_.add({severity, std::move(what), "", std::move(remedy), std::move(where)});
  }

  void engine() {
    project_.start_engine();
    const docker::Version version = project_.engine().version();
    facts_.push_back(fmt::format("engine {}", version.engine));
  }

  void compose() { facts_.push_back(fmt::format("Compose {}", project_.cli().program().version)); }

  void files() {
    const LoadedModel& loaded = project_.loaded();
    facts_.push_back(fmt::format("{} services", loaded.model.services.size()));
    if (loaded.unset.empty()) return;
    add(project_.settings().refuse_unset ? Severity::error : Severity::warning,
        fmt::format("variables of the Compose files have no value: {}",
                    fmt::join(loaded.unset, ", ")),
        "give them in the plugin's `environment`, in `env_files`, or a default in the file");
  }

  void secrets() {
    std::set<std::string> in_urls;
    for (const fs::path& file : project_.settings().files)
      for (std::string& name : variables_in_urls(read_text(file))) in_urls.insert(std::move(name));
    const json::object& environment = project_.settings().environment;
    for (const auto& member : environment) {
      if (!member.value().is_object()) continue;
      const std::string variable(member.key());
      if (const auto secret = common::secret_at(environment, variable))
        judge(variable, *secret, in_urls.contains(variable));
      else if (const auto text = common::text_at(member.value().get_object(), "$template"))
        for (const std::string& name : variables_in_urls(*text)) judge(name, name, true);
    }
  }

  void judge(const std::string& variable, const std::string& secret, bool is_in_url) {
    const Secret value = project_.op().secret(secret);
    const std::string where = fmt::format("secret {}", secret);
    if (value.empty()) return error(fmt::format("{} is empty", variable), "give it a value", where);
    for (Finding& finding : common::judge_secret(variable, value.view(), where))
      result_.add(std::move(finding));
    if (const std::string why = breaks_own_url(value.view()); !why.empty())
      error(fmt::format("{} {}", variable, why),
            "write %40 for @, %2F for /, and so on: or a password of letters and digits", where);
    if (!is_in_url || variable == "CLICKHOUSE_PASSWORD") return;
    if (const std::string why = breaks_url(value.view()); !why.empty())
      error(fmt::format("{} {}, and a Compose file puts it into a URL", variable, why),
            "use letters, digits and - _ . ~ only", where);
  }

  void room() {
    const docker::Info info = project_.engine().info();
    const Settings& settings = project_.settings();
    if (settings.min_memory > 0 && info.memory_bytes > 0 &&
        static_cast<std::uint64_t>(info.memory_bytes) < settings.min_memory)
      error(fmt::format("the engine has {} of memory, {} are needed",
                        common::human_size(static_cast<double>(info.memory_bytes)),
                        common::human_size(static_cast<double>(settings.min_memory))),
            "give the engine's machine more memory, or lower min_memory");
    struct statvfs disk {};
    // Its folder is only here when the engine is: on macOS it is inside a virtual machine.
    if (!project_.engine().address().local() || ::statvfs(info.root.c_str(), &disk) != 0) return;
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    result_.metric("disk_free", static_cast<std::int64_t>(free), "bytes");
    if (free < settings.min_disk)
      error(fmt::format("{} are free in {}, {} are needed",
                        common::human_size(static_cast<double>(free)), info.root,
                        common::human_size(static_cast<double>(settings.min_disk))),
            "`docker system df` shows what uses the space", info.root);
  }

  void versions() {
    const Model& model = project_.model();
    if (const std::string skew = version_skew(project_.settings(), model); !skew.empty())
      error(skew, "give them the same tag in the versions file");
    for (const ServiceModel& service : model.services) {
      const Reference image = parse_reference(service.image);
      if (service.is_built || service.image.empty() || !image.digest.empty()) continue;
      if (image.tag.empty() || image.tag == "latest")
        add(Severity::warning,
            fmt::format("{} has no fixed version: {}", service.name, service.image),
            "name a version: what `latest` means changes under you", service.name);
    }
  }

  void volumes() {
    if (project_.settings().is_scratch()) return;  // its volumes have names of their own
    const Model& model = project_.model();
    for (const std::string& name : project_.settings().volumes) {
      const bool is_there = std::any_of(
          model.volumes.begin(), model.volumes.end(),
          [&](const auto& entry) { return entry.first == name || entry.second.name == name; });
      if (!is_there)
        error(fmt::format("the Compose files no longer have the volume {}", name),
              "a renamed volume starts empty: bring the name back, or move the data first");
    }
  }

  void owners() {
    for (const OwnerProblem& problem : wrong_owners(project_))
      error(fmt::format("{} runs as user {}, but its volume {} belongs to user {}", problem.service,
                        problem.user, problem.volume, problem.owner),
            "it could not write there: set `user:` of the service to the owner, or change the "
            "volume's owner",
            problem.service);
  }

  void networks() {
    for (const auto& entry : project_.model().networks) {
      const ResourceModel& network = entry.second;
      if (!network.external) continue;
      const auto found = project_.engine().networks({{"name", {network.name}}});
      if (std::none_of(found.begin(), found.end(),
                       [&](const docker::Network& other) { return other.name == network.name; }))
        add(Severity::info, fmt::format("the external network {} is missing", network.name),
            "`up` will create it");
    }
  }

  std::ptrdiff_t errors() const {
    return std::count_if(
        result_.findings().begin(), result_.findings().end(),
        [](const Finding& finding) { return finding.severity == Severity::error; });
  }

  std::string summary() const {
    std::string worst;
    for (const Finding& finding : result_.findings())
      if (finding.severity == Severity::error && worst.empty()) worst = finding.what;
    return worst.empty() ? fmt::format("{}", fmt::join(facts_, ", ")) : worst;
  }

  Project& project_;
  common::Result result_;
  std::vector<std::string> facts_;
  std::exception_ptr reported_;
};

bool is_name_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

json::object preflight(Project& project) { return Preflight(project).run(); }

std::vector<std::string> variables_in_urls(std::string_view text) {
  std::vector<std::string> names;
  constexpr std::string_view ends_of_url = " \t\r\n\"'";
  for (std::size_t at = 0; (at = text.find("://", at)) != std::string_view::npos; at += 3) {
    const std::string_view rest =
        text.substr(at + 3, std::min(text.find_first_of(ends_of_url, at), text.size()) - at - 3);
    const std::string_view user = rest.substr(0, std::min(rest.rfind('@'), rest.size()));
    const bool has_user = rest.find('@') != std::string_view::npos;
    for (std::size_t dollar = 0;
         has_user && (dollar = user.find('$', dollar)) != std::string_view::npos; ++dollar) {
      std::size_t begin = dollar + 1;
      if (begin < user.size() && user[begin] == '{') ++begin;
      if (user.substr(begin).starts_with(secret_prefix)) begin += secret_prefix.size();
      std::size_t end = begin;
      while (end < user.size() && is_name_char(user[end])) ++end;
      if (end > begin) names.emplace_back(user.substr(begin, end - begin));
    }
  }
  return names;
}

std::string breaks_own_url(std::string_view value) {
  const std::size_t scheme = value.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view rest = value.substr(scheme + 3);
  // An @ in the query is none of the user part's; before a query there is a path.
  if (const std::size_t query = rest.find('?');
      query != std::string_view::npos && rest.substr(0, query).find('@') != std::string_view::npos)
    rest = rest.substr(0, query);
  const std::size_t at = rest.rfind('@');
  if (at == std::string_view::npos) return {};
  const std::string_view user = rest.substr(0, at);
  if (user.find_first_of("/?#[]@ ") != std::string_view::npos)
    return "has a character in its password that ends that part of a URL";
  for (std::size_t i = 0; (i = user.find('%', i)) != std::string_view::npos; ++i)
    if (user.size() < i + 3 || !std::isxdigit(static_cast<unsigned char>(user[i + 1])) ||
        !std::isxdigit(static_cast<unsigned char>(user[i + 2])))
      return "has a % in its password that is no escape";
  return {};
}

std::string breaks_url(std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) return "has a character outside of ASCII";
    if (url_breakers.find(c) != std::string_view::npos)
      return "has a character with a meaning in URLs";
  }
  return {};
}

}  // namespace fbx::compose
