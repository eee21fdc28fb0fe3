// SPDX-License-Identifier: Apache-2.0
#include "security/repository.hpp"

#include <fmt/format.h>

#include <array>
#include <fusebox/plugin.hpp>

namespace fusebox::scan {

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Ended run_to_end(const StartProgram& start, std::vector<std::string> command) {
  const auto program = start(std::move(command), "");
  Ended ended;
  std::array<char, 16384> room{};
  while (const std::size_t got = program->read(room)) ended.out.append(room.data(), got);
  auto end = program->wait();
  ended.exit_code = end.exit_code;
  ended.err = std::move(end.err);
  return ended;
}

Repository::Repository(std::filesystem::path folder, StartProgram start)
    : top_(std::move(folder)), start_(std::move(start)) {
  const Ended ended =
      run_to_end(start_, {"git", "-C", top_.string(), "rev-parse", "--show-toplevel"});
  if (ended.exit_code != 0 || ended.out.empty())
    throw fbx::Error(
        FBX_NOT_FOUND,
        fmt::format("{} is in no git repository: {}", top_.string(), first_line(ended.err)),
        "name a folder of one, or make one with `git init`");
  top_ = first_line(ended.out);
}

std::string Repository::git(std::vector<std::string> words) const {
  words.insert(words.begin(), {"git", "-C", top_.string()});
  const std::string what = words[3];
  const Ended ended = run_to_end(start_, std::move(words));
  if (ended.exit_code != 0)
    throw fbx::Error(
        FBX_FAILED,
        fmt::format("git {} failed in {}: {}", what, top_.string(), first_line(ended.err)),
        "run it by hand to see why");
  return ended.out;
}

std::filesystem::path Repository::hooks() const {
  const std::filesystem::path path = first_line(git({"rev-parse", "--git-path", "hooks"}));
  return path.is_absolute() ? path : top_ / path;
}

std::vector<std::string> Repository::tracked() const {
  const std::string list = git({"ls-files", "-z"});
  std::vector<std::string> files;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find('\0', at), list.size());
    files.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return files;
}

bool Repository::has_commits() const {
  return run_to_end(start_, {"git", "-C", top_.string(), "rev-parse", "-q", "--verify", "HEAD"})
             .exit_code == 0;
}

std::string Repository::user() const {
  const auto value = [&](const char* key) {
    return first_line(run_to_end(start_, {"git", "-C", top_.string(), "config", key}).out);
  };
  const std::string name = value("user.name");
  const std::string mail = value("user.email");
  return mail.empty() ? name : fmt::format("{}{}<{}>", name, name.empty() ? "" : " ", mail);
}

}  // namespace fusebox::scan
