// SPDX-License-Identifier: Apache-2.0
// What tests with the option DOCKER share: the engine they run beside, and engines of a test's own.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fusebox::test {

struct Output {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Runs a program to its end, with variables added to our environment. Throws when the time is over.
Output run_program(const std::vector<std::string>& command,
                   const std::map<std::string, std::string>& environment = {},
                   std::chrono::seconds limit = std::chrono::seconds(60));

// `docker <args>`: what it printed, without the last line break. Fails the test where docker fails.
std::string docker(std::vector<std::string> args);

// Whether the engine has an image of this name.
bool has_image(const std::string& name);

// The values of a lock file: "POSTGRES_IMAGE" -> "docker.io/library/postgres:17.11".
std::map<std::string, std::string> read_lock(const std::filesystem::path& file);

// Ends the program with 77, and says why, where the engine does not run or has not all of `images`.
// First statement of a test program's first test case.
void skip_without_images(const std::vector<std::string>& images);

// An engine of one test's own, beside the one that tests share: for tests that end it, starve it or
// count what it has. Without images, and gone at the end, with all in it.
class PrivateEngine {
 public:
  // `size` limits its disk, which is memory then: "64m". Empty: the disk of the folder.
  explicit PrivateEngine(const std::string& size = "");
  ~PrivateEngine();
  PrivateEngine(const PrivateEngine&) = delete;
  PrivateEngine& operator=(const PrivateEngine&) = delete;

  // Prepended to a command, it runs where this engine's ports are, and for this engine.
  std::vector<std::string> enter(const std::vector<std::string>& command) const;
  // The same for one docker command; its output as docker()'s.
  std::string docker(std::vector<std::string> args) const;
  std::filesystem::path socket() const;
  const std::filesystem::path& folder() const { return folder_; }

  // The daemon alone. down() leaves the socket without a listener, up() starts it again.
  void down() const;
  void up() const;
  void restart() const;

 private:
  void call(const std::string& verb, const std::vector<std::string>& more = {}) const;
  std::filesystem::path folder_;
};

}  // namespace fusebox::test
