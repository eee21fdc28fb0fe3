// SPDX-License-Identifier: Apache-2.0
// A program that a test runs in the background, and ends by its own pid only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fusebox::test {

struct ChildSpec {
  std::vector<std::string> command;  // command[0] is a path, or looked up in PATH
  std::string user;                  // to drop to when this process is root; "" stays
  std::filesystem::path cwd;
  std::filesystem::path log;                       // stdout and stderr are appended here
  std::map<std::string, std::string> environment;  // added to this process's own
};

class Child {
 public:
  Child() = default;
  // Starts it. It dies with the thread that does, where the system can do that: start it on one
  // that lives as long as it should.
  explicit Child(const ChildSpec& spec);
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  pid_t pid() const { return pid_; }
  bool running();
  // Waits for its end and returns the exit code, 128 + n after signal n.
  int wait();
  // Sends `signal`, SIGKILL after `grace`, and waits.
  void stop(int signal, std::chrono::milliseconds grace = std::chrono::seconds{10});

 private:
  bool reap(int flags);
  pid_t pid_ = -1;
  int status_ = 0;
};

}  // namespace fusebox::test
