// SPDX-License-Identifier: Apache-2.0
// The real program in a folder of its own: its files, its home, its state.
#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::test {

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// How one call of the program ended.
struct Ended {
  int exit_code = -1;
  std::string out;
  std::string err;

  // Both streams and the exit code, for INFO().
  std::string all() const;
  // Each line of `out` as JSON; fails the test where one is none.
  std::vector<boost::json::object> lines() const;
};

struct CallOptions {
  std::map<std::string, std::string> environment;  // added to the sandbox's own
  std::string stdin_text;
  std::filesystem::path cwd;  // empty: the sandbox's folder
  std::chrono::milliseconds deadline{60'000};
};

// Removed with all that is in it; after a failed check, and with FUSEBOX_KEEP=1, it stays and is
// named. HOME and the XDG folders are inside, so no call sees the user's own set-up.
class Sandbox {
 public:
  Sandbox();
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  // Writes a file and the folders above it.
  std::filesystem::path write(const std::string& name, std::string_view text) const;

  // Runs fusebox to its end. Fails the test when the deadline passes.
  Ended fusebox(const std::vector<std::string>& args, const CallOptions& options = {}) const;
  // Likewise any program.
  Ended program(const std::vector<std::string>& command, const CallOptions& options = {}) const;

  // The environment of a call, as "K=V".
  std::vector<std::string> environment(const std::map<std::string, std::string>& more = {}) const;

  // Where the stack `name` keeps its state.
  std::filesystem::path state_dir(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

// The program under test.
std::filesystem::path fusebox_program();

// A step in a script for a terminal: wait for `expect`, then type `send`.
struct Exchange {
  std::string expect;
  std::string send;
};

// Runs fusebox at a terminal of its own, as an operator would. What it printed is in `out`.
Ended at_terminal(const Sandbox& sandbox, const std::vector<std::string>& args,
                  const std::vector<Exchange>& script,
                  const std::map<std::string, std::string>& environment = {});

}  // namespace fusebox::test
