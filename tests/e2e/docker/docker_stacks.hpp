// SPDX-License-Identifier: Apache-2.0
// Stacks of containers on the tests' own engine, each a Compose project of its own.
#pragma once

#include "e2e/stacks.hpp"

#include <map>
#include <string>
#include <vector>

namespace fusebox::test {

// A folder with a fusebox.toml and Compose files. Its containers, networks and volumes are gone at
// the end, whatever the test did, and however fusebox behaved.
class ComposeStack : public Stack {
 public:
  // `config` follows the [stack] table, `files` are the folder's others: name to text.
  ComposeStack(const std::string& config, const std::map<std::string, std::string>& files);
  ~ComposeStack() override;

  // The containers of a service as the engine tells it, without fusebox: IDs, or "" for none.
  std::string container(const std::string& service) const;
  // A Go template over `docker inspect` of a service's container: "{{.State.Health.Status}}".
  std::string inspect(const std::string& service, const std::string& format) const;
  // The image a service's container was made from.
  std::string image(const std::string& service) const;
  // Name to ID of every container of the project.
  std::map<std::string, std::string> containers() const;
  std::vector<std::string> volumes() const;

 protected:
  explicit ComposeStack(std::string name) : Stack(std::move(name)) {}
};

// configs/langfuse-docker.toml as it is shipped, in a folder with its Compose files.
class LangfuseStack : public ComposeStack {
 public:
  // `options` are for every call: {"--set=..."}.
  explicit LangfuseStack(const std::vector<std::string>& options = {});

  // Skips the program unless the engine has all images of the stack.
  static void skip_without_images();
  // Lets deploy give up on web and worker after seconds, where the shipped file gives them hours.
  void hurry() const;
  // Puts other releases of web and worker into the lock file, as an operator would.
  void lock_langfuse(const std::string& tag) const;
  std::string locked(const std::string& key) const;
  // What `path` of a service answers, asked inside its container; empty unless it is a 200.
  std::string ask(const std::string& service, int port, const std::string& path) const;
};

// Must go well.
void deploy(const LangfuseStack& stack);
// That of the image which a service's container was made from.
std::string tag(const LangfuseStack& stack, const std::string& service);

// A name for a Compose project that nothing else has.
std::string fresh_name(const std::string& what);

}  // namespace fusebox::test
