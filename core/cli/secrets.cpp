// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/json_fields.hpp"
#include "cli/secret_access.hpp"
#include "cli/watch.hpp"
#include "plugin/host.hpp"
#include "report/table.hpp"
#include "run/exit_code.hpp"
#include "util/error.hpp"

#include <fmt/format.h>
#include <fusebox/secrets.h>
#include <boost/json.hpp>

#include <algorithm>
#include <set>

namespace fusebox::cli {

namespace {

namespace json = boost::json;

// Signing in may ask a person or a server far away.
constexpr auto sign_in_limit = std::chrono::minutes(2);

bool has_provider(Context& context) {
  const auto& all = context.host().instances();
  return std::any_of(all.begin(), all.end(), [](const auto& instance) {
    return instance.plugin->manifest.provides_interface(FBX_IFACE_SECRETS);
  });
}

const std::string& provider(Context& context) {
  return context.host().provider(FBX_IFACE_SECRETS).name;
}

// Every name that some plugin of the stack may ask for.
std::vector<std::string> wanted_names(Context& context) {
  std::set<std::string> names;
  for (const auto& instance : context.host().instances())
    names.insert(instance.secrets.begin(), instance.secrets.end());
  return {names.begin(), names.end()};
}

json::object list(Context& context) {
  const auto& name = provider(context);
  const auto label = fmt::format("{} (list)", name);
  const Watch::Guard guard(context.watch(), label, sign_in_limit);
  return context.host().secrets_list(name, context.call(label, sign_in_limit));
}

std::string presence(const json::object& secret) {
  const auto* present = secret.if_contains("present");
  if (present == nullptr || !present->is_bool()) return "not known before sign-in";
  return present->get_bool() ? "yes" : "no";
}

}  // namespace

void load_secrets_for_redaction(Context& context) {
  if (!has_provider(context)) return;
  try {
    const auto answer = list(context);
    const auto wanted = wanted_names(context);
    std::vector<std::string> names;
    for (const json::object& secret : objects_field(answer, "secrets")) {
      const auto name = text_field(secret, "name");
      const bool asked_for = std::find(wanted.begin(), wanted.end(), name) != wanted.end();
      if (asked_for && presence(secret) != "no") names.push_back(name);
    }
    if (names.empty()) return;
    const auto label = fmt::format("{} (resolve)", provider(context));
    const Watch::Guard guard(context.watch(), label, sign_in_limit);
    context.host().secrets_resolve(provider(context), names, context.call(label, sign_in_limit));
  } catch (const Error& error) {
    if (error.code() == Errc::cancelled) throw;
    context.out().warn(fmt::format(
        "secrets cannot be resolved, so their values would not be hidden: {}", error.what()));
  }
}

int list_secrets(Context& context) {
  const auto answer = list(context);
  const auto wanted = wanted_names(context);
  Output& out = context.out();
  if (out.is_json()) {
    auto all = answer;
    all["wanted"] = json::value_from(wanted);
    out.json(all);
    return run::to_int(run::ExitCode::ok);
  }
  report::Table table({"NAME", "PRESENT", "USED", "FROM"});
  std::set<std::string> listed;
  for (const json::object& secret : objects_field(answer, "secrets")) {
    const auto name = text_field(secret, "name");
    listed.insert(name);
    const bool used = std::find(wanted.begin(), wanted.end(), name) != wanted.end();
    table.add({name, presence(secret), used ? "yes" : "no", text_field(secret, "origin")});
  }
  for (const auto& name : wanted) {
    if (listed.count(name) == 0)
      table.add({name, out.paint(Color::yellow, "no"), "yes", "nowhere"});
  }
  out.write(table.str());
  return run::to_int(run::ExitCode::ok);
}

int check_secrets(Context& context) {
  const auto& name = provider(context);
  const auto label = fmt::format("{} (check)", name);
  json::object answer;
  {
    const Watch::Guard guard(context.watch(), label, sign_in_limit);
    answer = context.host().secrets_check(name, context.call(label, sign_in_limit));
  }
  Output& out = context.out();
  const auto status = text_field(answer, "status");
  if (out.is_json()) {
    out.json(answer);
  } else {
    out.print("{}: {}\n", status.empty() ? "ok" : status, text_field(answer, "summary"));
    for (const json::object& finding : objects_field(answer, "findings")) {
      out.print("  {}: {}", text_field(finding, "severity"), text_field(finding, "what"));
      if (const auto where = text_field(finding, "where"); !where.empty())
        out.print(" ({})", where);
      out.write("\n");
      if (const auto remedy = text_field(finding, "remedy"); !remedy.empty())
        out.print("    hint: {}\n", remedy);
    }
  }
  return run::to_int(status == "unhealthy" ? run::ExitCode::unhealthy : run::ExitCode::ok);
}

int print_secret_template(Context& context) {
  const auto& name = provider(context);
  const auto label = fmt::format("{} (template)", name);
  const Watch::Guard guard(context.watch(), label, sign_in_limit);
  auto text = context.host().secrets_template(name, wanted_names(context),
                                              context.call(label, sign_in_limit));
  if (!text.empty() && text.back() != '\n') text += '\n';
  context.out().write(text);
  return run::to_int(run::ExitCode::ok);
}

}  // namespace fusebox::cli
