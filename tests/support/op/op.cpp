// SPDX-License-Identifier: Apache-2.0
// A stand-in for 1Password's command-line tool, op, as its documentation and captured output
// describe it: `op --version`, `whoami`, `inject` and `read`, its error texts and its exit codes.
// It has not been compared with the real service. Never installed; only tests put it in PATH.
//
// The world it shows is in the JSON file that FUSEBOX_TEST_OP names:
//   {"version":"2.32.0", "accounts":["my"], "signed_in":true, "token":"ops_good",
//    "vaults":{"Prod":{"langfuse":{"salt":"value", "db/password":"value"}}},
//    "fail":{"inject":"text of an error"}, "calls":"/file/to/append/each/command/to"}
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace json = boost::json;

namespace {

struct OpError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string slurp(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

// References are case-insensitive.
const json::object* member(const json::object& object, std::string_view key) {
  for (const auto& entry : object)
    if (same({entry.key().data(), entry.key().size()}, key)) return &entry.value().as_object();
  return nullptr;
}

class World {
 public:
  World() {
    std::ifstream file(variable("FUSEBOX_TEST_OP"));
    if (!file) throw std::runtime_error("the stand-in for op needs FUSEBOX_TEST_OP");
    state_ = json::parse(slurp(file)).as_object();
  }

  std::string text(std::string_view key) const {
    const json::value* value = state_.if_contains(key);
    return value == nullptr ? "" : std::string(value->as_string());
  }
  void note_call(const std::vector<std::string>& words) const {
    std::ofstream log(text("calls"), std::ios::app);
    for (const std::string& word : words) log << word << ' ';
    log << '\n';
  }
  void fail_if_told(std::string_view command) const {
    const json::value* fail = state_.if_contains("fail");
    const json::value* told = fail == nullptr ? nullptr : fail->as_object().if_contains(command);
    if (told != nullptr) throw OpError(std::string(told->as_string()));
  }

  // Connect wins over a service account, that over the app; service accounts came with 2.18.0.
  void authenticate(const std::string& account) const {
    if (!variable("OP_CONNECT_HOST").empty() && !variable("OP_CONNECT_TOKEN").empty()) return;
    const std::string token = variable("OP_SERVICE_ACCOUNT_TOKEN");
    if (!token.empty() && knows_service_accounts()) {
      if (token == text("token")) return;
      throw OpError(
          "error initializing client: failed to session.DecodeSACredentials: token is invalid");
    }
    const json::value* accounts = state_.if_contains("accounts");
    if (accounts == nullptr || accounts->as_array().empty())
      throw OpError("No accounts configured for use with 1Password CLI.");
    if (!account.empty() && !holds(accounts->as_array(), account))
      throw OpError("no account found for filter " + account);
    const json::value* signed_in = state_.if_contains("signed_in");
    if (signed_in == nullptr || !signed_in->as_bool())
      throw OpError(
          "You are not currently signed in. Please run `op signin --help` for instructions");
  }

  std::string resolve(const std::string& reference) const {
    std::string_view path = reference;
    path.remove_prefix(5);
    const std::size_t end = std::min(path.find('?'), path.size());
    std::vector<std::string> parts(1);
    for (const char c : path.substr(0, end)) {
      if (c == '/')
        parts.emplace_back();
      else
        parts.back() += c;
    }
    if (parts.size() < 3)
      throw OpError("invalid secret reference '" + reference +
                    "': too few '/': secret references should have at least vault, item and field "
                    "specified");
    const json::object* vault = member(state_.at("vaults").as_object(), parts[0]);
    if (vault == nullptr)
      throw OpError("could not read secret " + reference + ": \"" + parts[0] +
                    "\" isn't a vault in this account. Specify the vault with its ID or name.");
    const json::object* item = member(*vault, parts[1]);
    if (item == nullptr)
      throw OpError("could not read secret " + reference + ": could not get item " + parts[0] +
                    "/" + parts[1] + ": \"" + parts[1] + "\" isn't an item in the \"" + parts[0] +
                    "\" vault. Specify the item with its UUID, name, or domain.");
    const std::string field = parts.size() == 3 ? parts[2] : parts[2] + "/" + parts[3];
    for (const auto& entry : *item)
      if (same({entry.key().data(), entry.key().size()}, field))
        return std::string(entry.value().as_string());
    throw OpError("could not read secret '" + reference + "': item '" + parts[0] + "/" + parts[1] +
                  "' does not have a field '" + field + "'");
  }

 private:
  bool knows_service_accounts() const {
    int major = 0;
    int minor = 0;
    std::sscanf(text("version").c_str(), "%d.%d", &major, &minor);
    return major > 2 || (major == 2 && minor >= 18);
  }
  static bool holds(const json::array& list, const std::string& name) {
    return std::any_of(list.begin(), list.end(),
                       [&](const json::value& v) { return v.as_string() == json::string(name); });
  }
  json::object state_;
};

// `op inject`: variables first, then references, enclosed or bare.
class Injector {
 public:
  Injector(const World& world, std::string_view text) : world_(world), text_(variables(text)) {}

  std::string inject() {
    std::string out;
    for (std::size_t i = 0; i < text_.size();) {
      const std::string_view rest = std::string_view(text_).substr(i);
      if (rest.starts_with("{{")) {
        const std::size_t end = rest.find("}}");
        if (end == std::string_view::npos) throw OpError("invalid template: missing }}");
        out += enclosed(trimmed(rest.substr(2, end - 2)));
        i += end + 2;
      } else if (rest.starts_with("op://") && may_begin(i)) {
        std::size_t end = 5;
        while (end < rest.size() && in_bare(rest[end])) ++end;
        out += world_.resolve(std::string(rest.substr(0, end)));
        i += end;
      } else {
        out += rest[0];
        ++i;
      }
    }
    return out;
  }

 private:
  static bool alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
  static bool in_bare(char c) {
    return alnum(c) || std::string_view("-?_./").find(c) != std::string_view::npos;
  }
  bool may_begin(std::size_t i) const {
    return i == 0 || !(alnum(text_[i - 1]) ||
                       std::string_view("-+\\.").find(text_[i - 1]) != std::string_view::npos);
  }
  static std::string trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    const std::size_t end = text.find_last_not_of(" \t");
    return std::string(text.substr(begin, end == std::string_view::npos ? 0 : end + 1 - begin));
  }
  std::string enclosed(const std::string& inner) const {
    if (inner.starts_with("op://")) return world_.resolve(inner);
    if (inner.size() < 2 || inner.front() != '"') throw OpError("invalid template: " + inner);
    std::string out;
    for (std::size_t i = 1; i + 1 < inner.size(); ++i) {
      if (inner[i] == '\\' && inner[i + 1] == '"') ++i;
      out += inner[i];
    }
    return out;
  }

  // $NAME, ${NAME} and ${NAME:-default}, in any case.
  static std::string variables(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
      const std::string_view rest = text.substr(i);
      std::size_t length = 1;
      if (rest.starts_with("${") && rest.find('}') != std::string_view::npos) {
        length = rest.find('}') + 1;
        const std::string inner = trimmed(rest.substr(2, length - 3));
        const std::size_t mark = inner.find(":-");
        const std::string value = variable_of(trimmed(inner.substr(0, mark)));
        out += value.empty() && mark != std::string::npos ? inner.substr(mark + 2) : value;
      } else if (rest.size() > 1 && rest[0] == '$' && (alnum(rest[1]) || rest[1] == '_')) {
        while (length < rest.size() && (alnum(rest[length]) || rest[length] == '_')) ++length;
        out += variable_of(std::string(rest.substr(1, length - 1)));
      } else {
        out += rest[0];
      }
      i += length;
    }
    return out;
  }
  static std::string variable_of(std::string name) {
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return variable(name.c_str());
  }

  const World& world_;
  std::string text_;
};

// Takes `--name value` out of the words.
std::string option(std::vector<std::string>& words, const std::string& name) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] != name) continue;
    std::string value = words[i + 1];
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(i),
                words.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    return value;
  }
  return {};
}

void run(std::vector<std::string> words) {
  const World world;
  world.note_call(words);
  const std::string account = option(words, "--account");
  const std::string format = option(words, "--format");
  const std::string command = words.empty() ? "" : words[0];
  if (command == "--version") {
    std::cout << world.text("version") << "\n";
    return;
  }
  world.fail_if_told(command);
  if (command != "whoami" && command != "inject" && command != "read")
    throw OpError("unknown command \"" + command + "\" for \"op\"");
  world.authenticate(account);
  if (command == "whoami") {
    std::cout << (format == "json" ? R"({"url":"https://test.1password.com","user_uuid":"U1"})"
                                   : "URL:        https://test.1password.com")
              << "\n";
  } else if (command == "inject") {
    std::cout << Injector(world, slurp(std::cin)).inject();
  } else {
    std::cout << world.resolve(words.at(words.size() - 1)) << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const OpError& e) {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    std::array<char, 32> stamp{};
    std::strftime(stamp.data(), stamp.size(), "%Y/%m/%d %H:%M:%S", &local);
    std::cerr << "[ERROR] " << stamp.data() << " " << e.what() << "\n";
  } catch (const std::exception& e) {
    std::cerr << "the stand-in for op: " << e.what() << "\n";
  }
  return 1;
}
