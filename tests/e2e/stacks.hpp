// SPDX-License-Identifier: Apache-2.0
// Stacks of real services for tests, on ports of their own.
#pragma once

#include "e2e/harness.hpp"

#include <string>
#include <vector>

namespace fusebox::test {

// A stack in its own sandbox, taken down with its data at the end, whatever the test did.
class Stack {
 public:
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  virtual ~Stack();

  // Runs fusebox in the stack's folder, with the stack's own options.
  Ended operator()(std::vector<std::string> args, const std::string& stdin_text = {}) const;
  // Runs it with variables of the environment.
  Ended with(const std::map<std::string, std::string>& environment,
             const std::vector<std::string>& args) const;
  // The same at a terminal of its own.
  Ended at_terminal(const std::vector<std::string>& args,
                    const std::vector<Exchange>& script) const;
  Sandbox& box() { return box_; }
  const Sandbox& box() const { return box_; }
  const std::string& name() const { return name_; }

  // The one object that `args` print with --json.
  boost::json::object json(std::vector<std::string> args) const;
  // The state of a service as `ps` tells it: "running", "exited", ...
  std::string state_of(std::string_view service) const;
  // The process of a service that runs.
  std::string pid_of(std::string_view service) const;

 protected:
  std::vector<std::string> with_options(std::vector<std::string> args) const;
  explicit Stack(std::string name) : name_(std::move(name)) {}
  Sandbox box_;
  std::vector<std::string> options_;
  std::map<std::string, std::string> environment_;

 private:
  std::string name_;
};

// Redis alone, secrets made in a file, a probe, a redis-cli command, and no phase: the defaults.
class SmallStack : public Stack {
 public:
  SmallStack();
  // Lines added to its configuration.
  explicit SmallStack(const std::string& more);
};

// A copy of configs/demo.toml on ports of its own.
class DemoStack : public Stack {
 public:
  DemoStack();
  // Services that cannot run on this machine, and why.
  static std::vector<std::string> missing();
};

// What lies beside the stack's volumes and has `mark` in its name.
std::vector<std::filesystem::path> beside_volumes(const Stack& stack, std::string_view mark);

// What went wrong in a run's JSON lines, by step: "probe-redis.check" -> "ok", "failed", ...
std::map<std::string, std::string> outcomes(const Ended& ended);
// The status a step judged by: "probe-redis.check" -> "healthy".
std::map<std::string, std::string> statuses(const Ended& ended);

}  // namespace fusebox::test
