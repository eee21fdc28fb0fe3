// SPDX-License-Identifier: Apache-2.0
// Looks for canary values in the memory images of a process that holds and uses them. A canary that
// is planted in ordinary memory must be found, or the search itself is worth nothing.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>

#include "tests/support/skip.hpp"
#include "tests/support/temp_dir.hpp"
#include "util/fd.hpp"
#include "util/fs.hpp"
#include "util/subprocess.hpp"

namespace fs = std::filesystem;
namespace util = fusebox::util;
using fusebox::test::TempDir;

namespace {

std::string random_text() {
  std::random_device random;
  return fmt::format("canary{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string base64_core(const std::string& value) {
  std::string text((value.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(value.data()),
                  static_cast<int>(value.size()));
  return text.substr(0, value.size() * 8 / 6);
}

class Holder {
 public:
  Holder(const std::string& secret, const std::string& control, const fs::path& dir) {
    util::Pipe in = util::make_pipe();
    util::Pipe out = util::make_pipe();
    pid_ = ::fork();
    if (pid_ == 0) {
      const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
      ::setrlimit(RLIMIT_CORE, &all);
      if (::chdir(dir.c_str()) != 0) ::_exit(8);
      ::dup2(in.read.get(), STDIN_FILENO);
      ::dup2(out.write.get(), STDOUT_FILENO);
      ::execl(FUSEBOX_SECRET_HOLDER, "secret_holder", nullptr);
      ::_exit(9);
    }
    in_ = std::move(in.write);
    const std::string both = secret + control;
    char ready = 0;
    out.write.reset();
    ok_ = ::write(in_.get(), both.data(), both.size()) == 76 &&
          ::read(out.read.get(), &ready, 1) == 1;
  }
  ~Holder() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  bool ok() const { return ok_; }
  pid_t pid() const { return pid_; }
  void crash() {
    in_.reset();
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }

 private:
  pid_t pid_ = -1;
  util::UniqueFd in_;
  bool ok_ = false;
};

std::optional<fs::path> only_file_named(const fs::path& dir, const std::string& prefix) {
  for (const auto& entry : fs::directory_iterator(dir))
    if (entry.path().filename().string().starts_with(prefix)) return entry.path();
  return std::nullopt;
}

void look_into(const fs::path& dump, const std::string& secret, const std::string& control) {
  const std::string image = util::read_file(dump, std::size_t{4} << 30);
  CHECK(image.find(control) != std::string::npos);
  CHECK(image.find(secret) == std::string::npos);
  CHECK(image.find(base64_core(secret)) == std::string::npos);
  CHECK(image.find(base64_core("u" + secret).substr(2, 40)) == std::string::npos);
}

// Each answers why it could not run, or nothing.
std::string look_through_debugger() {
  const auto gcore = util::find_program("gcore");
  if (!gcore) return "there is no gcore (package gdb)";
  const TempDir dir;
  const std::string secret = random_text();
  const std::string control = random_text();
  const Holder holder(secret, control, dir.path());
  REQUIRE(holder.ok());
  util::ProcessSpec spec;
  spec.command = {gcore->string(), "-o", (dir / "image").string(), fmt::format("{}", holder.pid())};
  std::string said;
  const auto sink = [&](std::string_view bytes) { said += bytes; };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  util::run_process(spec, sink, sink, deadline, nullptr);
  const auto image = only_file_named(dir.path(), "image");
  if (!image) return "gcore may not look into our own child here: " + said;
  look_into(*image, secret, control);
  return {};
}

std::string look_into_core_dump() {
  const std::string pattern = util::read_file("/proc/sys/kernel/core_pattern", 4096);
  if (pattern.find_first_of("|/") != std::string::npos || !pattern.starts_with("core"))
    return "core dumps go elsewhere here: " + pattern;
  const TempDir dir;
  const std::string secret = random_text();
  const std::string control = random_text();
  Holder holder(secret, control, dir.path());
  REQUIRE(holder.ok());
  holder.crash();
  const auto dump = only_file_named(dir.path(), "core");
  if (!dump) return "the system wrote no core dump";
  look_into(*dump, secret, control);
  return {};
}

}  // namespace

TEST_CASE("no memory image of a process that uses a secret holds it") {
  const std::string no_debugger = look_through_debugger();
  const std::string no_core_dump = look_into_core_dump();
  for (const std::string& why : {no_debugger, no_core_dump})
    if (!why.empty()) std::cout << "not looked into: " << why << std::endl;
  if (!no_debugger.empty() && !no_core_dump.empty())
    fusebox::test::skip_program("neither a debugger nor a core dump could be had");
}
