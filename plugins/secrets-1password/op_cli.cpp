// SPDX-License-Identifier: Apache-2.0
#include "op_cli.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "common/json.hpp"

namespace secrets_1password {

namespace json = boost::json;

namespace {

constexpr const char* token_variable = "OP_SERVICE_ACCOUNT_TOKEN";
constexpr const char* connect_host = "OP_CONNECT_HOST";
constexpr const char* connect_token = "OP_CONNECT_TOKEN";

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}
bool has_connect() { return is_set(connect_host) && is_set(connect_token); }

// 128 bits that no value can hold by accident or on purpose.
std::string unguessable() {
  std::array<unsigned char, 16> bytes{};
  if (::getentropy(bytes.data(), bytes.size()) != 0)
    throw fbx::Error(FBX_IO, "the system's random generator failed", "try again");
  std::string text = "fusebox-";
  for (const unsigned char byte : bytes) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(byte));
    text += hex.data();
  }
  return text;
}

std::string marker(const std::string& nonce, std::size_t index) {
  return nonce + "-" + std::to_string(index) + "\n";
}

// Whether a version such as "2.17.0" is older than major.minor; what is no version is not.
bool older_than(const std::string& version, int major, int minor) {
  int has_major = 0;
  int has_minor = 0;
  if (std::sscanf(version.c_str(), "%d.%d", &has_major, &has_minor) != 2) return false;
  return has_major < major || (has_major == major && has_minor < minor);
}

json::array unset_for(const std::string& sign_in) {
  if (sign_in == "desktop") return {token_variable, connect_host, connect_token};
  if (sign_in == "service-account") return {connect_host, connect_token};
  if (sign_in == "connect") return {token_variable};
  return {};
}

std::vector<std::string> unique_texts(const std::vector<Wanted>& wanted) {
  std::set<std::string> texts;
  for (const Wanted& w : wanted) texts.insert(w.reference.text);
  return {texts.begin(), texts.end()};
}

[[noreturn]] void unexpected_answer() {
  throw fbx::Error(FBX_UNSUPPORTED, "op inject answered in a form that this plugin does not know",
                   "update op and fusebox; if that does not help, report it with `op --version`");
}

// The text between the markers; nothing of op's output is taken for anything but a value.
std::map<std::string, std::string_view> split(std::string_view output, const std::string& nonce,
                                              const std::vector<std::string>& references) {
  std::map<std::string, std::string_view> values;
  const std::string first = marker(nonce, 0);
  if (!output.starts_with(first)) unexpected_answer();
  output.remove_prefix(first.size());
  for (std::size_t i = 0; i < references.size(); ++i) {
    const std::string next = "\n" + marker(nonce, i + 1);
    const std::size_t end = output.find(next);
    if (end == std::string_view::npos) unexpected_answer();
    values[references[i]] = output.substr(0, end);
    output.remove_prefix(end + next.size());
  }
  return values;
}

}  // namespace

SignIn OpCli::sign_in() const {
  const std::string& way = settings_.sign_in;
  if (way == "service-account" && !is_set(token_variable))
    throw fbx::Error(FBX_DENIED,
                     "sign_in is service-account, but OP_SERVICE_ACCOUNT_TOKEN is not set",
                     "export OP_SERVICE_ACCOUNT_TOKEN, or choose another sign_in");
  if (way == "connect" && !has_connect())
    throw fbx::Error(
        FBX_DENIED, "sign_in is connect, but OP_CONNECT_HOST and OP_CONNECT_TOKEN are not both set",
        "export both, or choose another sign_in");
  if (way == "connect" || (way == "auto" && has_connect())) return SignIn::connect;
  if (way == "service-account" || (way == "auto" && is_set(token_variable)))
    return SignIn::service_account;
  return SignIn::desktop;
}

std::string OpCli::conflict() const {
  if (settings_.sign_in != "auto") return {};
  if (has_connect() && is_set(token_variable))
    return "OP_CONNECT_HOST and OP_CONNECT_TOKEN are set and win over OP_SERVICE_ACCOUNT_TOKEN, "
           "which is set too: unset one of them, or set the plugin's sign_in";
  if (is_set(connect_host) != is_set(connect_token))
    return std::string("of OP_CONNECT_HOST and OP_CONNECT_TOKEN only ") +
           (is_set(connect_host) ? connect_host : connect_token) +
           " is set, so the Connect server is not used";
  return {};
}

template <class Target>
OpCli::Ended OpCli::run(const fbx::Op& op, const std::vector<std::string>& arguments,
                        std::string_view input, Target& out) const {
  json::array command{"op"};
  for (const std::string& argument : arguments) command.emplace_back(argument);
  if (!settings_.account.empty()) {
    command.emplace_back("--account");
    command.emplace_back(settings_.account);
  }
  const json::object request{{"command", std::move(command)},
                             {"unset", unset_for(settings_.sign_in)}};
  try {
    const fbx::ProcessResult ended = op.run_process(json::serialize(request), input, out);
    const json::object result = fbx::common::parse_object(ended.result_json, "op's result");
    return {static_cast<int>(fbx::common::need_integer(result, "exit_code")),
            plain_text(ended.err)};
  } catch (const fbx::Reported& e) {
    if (e.rc() == FBX_NOT_FOUND) throw explain(Cause::not_installed, "op", "", SignIn::desktop, {});
    throw;
  }
}

void OpCli::fail_sign_in(const fbx::Op& op, const std::string& text) const {
  const SignIn way = sign_in();
  const Cause cause = classify(text);
  std::string version;
  run(op, {"--version"}, "", version);
  while (!version.empty() && version.back() == '\n') version.pop_back();
  const bool too_old =
      older_than(version, 2, 0) || (way == SignIn::service_account && older_than(version, 2, 18));
  if (too_old) throw explain(Cause::too_old, "op whoami", "(op " + version + ") " + text, way, {});
  throw explain(cause, "op whoami", text, way, {});
}

std::string OpCli::who_am_i(const fbx::Op& op) const {
  if (sign_in() == SignIn::connect) return {};
  std::string out;
  const Ended ended = run(op, {"whoami", "--format", "json"}, "", out);
  if (ended.exit_code != 0) fail_sign_in(op, ended.err);
  json::error_code error;
  const json::value answer = json::parse(out, error);
  if (error || !answer.is_object()) return {};
  return fbx::common::text_at(answer.as_object(), "url").value_or("");
}

Resolved OpCli::inject(const fbx::Op& op, const std::vector<Wanted>& wanted) const {
  const std::vector<std::string> references = unique_texts(wanted);
  const std::string nonce = unguessable();
  std::string input;
  for (std::size_t i = 0; i < references.size(); ++i)
    input += marker(nonce, i) + "{{ " + references[i] + " }}\n";
  input += marker(nonce, references.size());

  Resolved resolved;
  const Ended ended = run(op, {"inject"}, input, resolved.buffer);
  if (ended.exit_code != 0)
    throw explain(classify(ended.err), "op inject", ended.err, sign_in(), wanted);
  resolved.values = split(resolved.buffer.view(), nonce, references);
  return resolved;
}

}  // namespace secrets_1password
