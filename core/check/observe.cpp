// SPDX-License-Identifier: Apache-2.0
// What can be seen of a plugin from outside: its answers' shape, files, descriptors, threads.
#include "check/scene.hpp"
#include "util/fs.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <boost/json.hpp>

#include <array>
#include <cerrno>

namespace fusebox::check {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLargestFile = 64U << 20U;

[[noreturn]] void odd(std::string_view what, std::string_view field, std::string_view wanted) {
  fail(fmt::format("{}: \"{}\" must be {}", what, field, wanted));
}

bool is_texts(const json::value& value) {
  const auto* list = value.if_array();
  return list != nullptr && std::all_of(list->begin(), list->end(),
                                        [](const json::value& item) { return item.is_string(); });
}

bool has_text(const json::value& value, const char* field) {
  const auto* object = value.if_object();
  const auto* found = object != nullptr ? object->if_contains(field) : nullptr;
  return found != nullptr && found->is_string();
}

bool is_finding(const json::value& value) {
  if (!has_text(value, "severity") || !has_text(value, "what")) return false;
  const auto& severity = value.at("severity").get_string();
  return severity == "info" || severity == "warning" || severity == "error";
}

bool is_metric(const json::value& value) {
  const auto* object = value.if_object();
  const auto* number = object != nullptr ? object->if_contains("value") : nullptr;
  return number != nullptr && number->is_number();
}

template <class Test>
bool all_of(const json::value& value, Test test) {
  const auto* list = value.if_array();
  return list != nullptr && std::all_of(list->begin(), list->end(), test);
}

bool is_flat(const json::value& value) {
  const auto* object = value.if_object();
  return object != nullptr && std::all_of(object->begin(), object->end(), [](const auto& member) {
           return !member.value().is_object() && !member.value().is_array();
         });
}

bool are_metrics(const json::value& value) {
  const auto* object = value.if_object();
  return object != nullptr && std::all_of(object->begin(), object->end(), [](const auto& member) {
           return is_metric(member.value());
         });
}

std::string describe(const fs::directory_entry& entry) {
  const auto status = entry.symlink_status();
  const auto mode = static_cast<unsigned>(status.permissions());
  if (fs::is_symlink(status))
    return fmt::format("link {}", fs::read_symlink(entry.path()).string());
  if (fs::is_directory(status)) return fmt::format("folder {:o}", mode);
  if (!fs::is_regular_file(status)) return "special";
  if (entry.file_size() > kLargestFile) return fmt::format("{:o} {}", mode, entry.file_size());
  return fmt::format("{:o} {}", mode, util::sha256_hex_file(entry.path()));
}

std::size_t entries_of(const char* folder) {
  std::error_code none;
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    (void)entry;
    ++count;
  }
  return count;
}

}  // namespace

void require_vocabulary(const json::object& result, std::string_view what) {
  for (const auto& [key, value] : result) {
    const std::string_view field = key;
    if (field == "summary" &&
        (!value.is_string() || value.get_string().find('\n') != std::string::npos))
      odd(what, field, "one line of text");
    if (field == "status" && (!value.is_string() || (value.get_string() != "healthy" &&
                                                     value.get_string() != "degraded" &&
                                                     value.get_string() != "unhealthy")))
      odd(what, field, "healthy, degraded or unhealthy");
    if (field == "findings" && !all_of(value, is_finding))
      odd(what, field, "a list of {severity: info|warning|error, what: text, ...}");
    if (field == "metrics" && !are_metrics(value))
      odd(what, field, "an object of {value: number, unit: text}");
    if (field == "artifacts" &&
        !all_of(value, [](const auto& a) { return has_text(a, "kind") && has_text(a, "path"); }))
      odd(what, field, "a list of {kind: text, path: text}");
    if (field == "changed" && !value.is_bool()) odd(what, field, "true or false");
    if (field == "release" && !is_flat(value)) odd(what, field, "a flat object");
    if (field == "actions" && !is_texts(value)) odd(what, field, "a list of texts");
  }
}

std::map<std::string, std::string> tree_of(const fs::path& folder) {
  std::map<std::string, std::string> tree;
  if (!fs::exists(folder)) return tree;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    tree[entry.path().lexically_relative(folder).string()] = describe(entry);
  return tree;
}

std::string difference(const std::map<std::string, std::string>& before,
                       const std::map<std::string, std::string>& after) {
  std::string text;
  const auto add = [&](std::string_view how, const std::string& path) {
    if (text.size() < 300) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", path, how);
  };
  for (const auto& [path, now] : after) {
    const auto was = before.find(path);
    if (was == before.end())
      add("is new", path);
    else if (was->second != now)
      add("has changed", path);
  }
  for (const auto& [path, was] : before)
    if (after.count(path) == 0) add("is gone", path);
  return text;
}

std::string mutated(std::string_view text, std::mt19937_64& random) {
  std::string made(text);
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  static constexpr std::array<std::string_view, 8> pieces = {
      "\"", "{", "]", "\xff\xfe", std::string_view("\0", 1), "\\u0000", "1e999", "null"};
  for (std::size_t edits = 1 + below(4); edits > 0 && !made.empty(); --edits) {
    const std::size_t at = below(made.size());
    switch (below(4)) {
      case 0:
        made.resize(at);
        break;
      case 1:
        made[at] = static_cast<char>(below(256));
        break;
      case 2:
        made.erase(at, 1 + below(8));
        break;
      default:
        made.insert(at, pieces[below(pieces.size())]);
    }
  }
  return made;
}

std::size_t open_descriptors() {
#if defined(__linux__)
  return entries_of("/proc/self/fd");
#else
  return entries_of("/dev/fd");
#endif
}

std::size_t threads() { return entries_of("/proc/self/task"); }

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

}  // namespace fusebox::check
