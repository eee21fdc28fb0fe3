// SPDX-License-Identifier: Apache-2.0
// Input that is made to hurt: bounded in time and memory, and never silent.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <random>
#include <system_error>

#include "engine/scanner.hpp"
#include "tests/support/temp_dir.hpp"

using namespace fusebox::scan;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<const Rules> some_rules() {
  return load_rules_text(
      "[[rules]]\nid='a'\nregex='''needle=(\\w+)'''\nkeywords=['needle']\n"
      "[[rules]]\nid='b'\nregex='''(?:(?:x+x+)+y|(\\w+\\s?)*!z)'''\n",
      "r.toml", {});
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

long peak_kilobytes() {
  ::rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("a file of 5 GB is left when the scan is cancelled, in little memory") {
  const fusebox::test::TempDir dir;
  const int fd = ::open((dir / "huge").c_str(), O_CREAT | O_WRONLY, 0600);
  REQUIRE(fd >= 0);
  REQUIRE(::ftruncate(fd, 5'000'000'000) == 0);
  ::close(fd);
  Options options;
  std::atomic<std::uint64_t> bytes{0};
  options.progress = [&](std::uint64_t more) { bytes += more; };
  options.cancelled = [&] { return bytes > 40'000'000; };
  const long before = peak_kilobytes();
  Report report;
  const double seconds =
      seconds_of([&] { report = Scanner(some_rules(), options).folder(dir.path()); });
  CHECK(report.bytes >= 40'000'000);
  CHECK(report.bytes < 60'000'000);
  CHECK(seconds < 30);
  CHECK(peak_kilobytes() - before < 60'000);
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].what == "it was stopped before its end");
}

TEST_CASE("endless lines, noise and expressions that make others backtrack take linear time") {
  const fusebox::test::TempDir dir;
  std::mt19937 random(3);  // NOLINT: repeatable on purpose
  std::string noise(400'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  write(dir / "noise", noise + "needle=noisy ");
  write(dir / "line", std::string(400'000, 'x') + " needle=long");
  write(dir / "words", std::string(60'000, 'a') + std::string(60'000, ' ') + "!");
  write(dir / "percents", [] {
    std::string text;
    for (int i = 0; i < 60'000; ++i) text += "%4";
    return text;
  }());
  Report report;
  CHECK(seconds_of([&] { report = Scanner(some_rules(), {}).folder(dir.path()); }) < 30);
  CHECK(report.problems.empty());
  CHECK(std::any_of(report.findings.begin(), report.findings.end(),
                    [](const Finding& finding) { return finding.secret == "noisy"; }));
  CHECK(std::any_of(report.findings.begin(), report.findings.end(),
                    [](const Finding& finding) { return finding.secret == "long"; }));
}

TEST_CASE("what cannot be read is a problem; loops, pipes and empty files are none") {
  const fusebox::test::TempDir dir;
  write(dir / "good", "needle=x\n");
  write(dir / "empty", "");
  fs::create_symlink(dir.path(), dir / "loop");
  fs::create_symlink("self", dir / "self");
  fs::create_symlink("nothing", dir / "gone");
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK(Scanner(some_rules(), {}).folder(dir.path()).problems.empty());
  CHECK(Scanner(some_rules(), {}).folder(dir.path()).findings.size() == 1);
  CHECK_THROWS_AS(Scanner(some_rules(), {}).folder(dir / "absent"), std::system_error);

  Options follow;
  follow.follow_symlinks = true;
  CHECK(Scanner(some_rules(), follow).folder(dir.path()).problems.size() == 2);  // self, gone
  if (::geteuid() == 0) return;  // root reads everything
  write(dir / "closed", "needle=y\n");
  ::chmod((dir / "closed").c_str(), 0);
  fs::create_directory(dir / "shut");
  ::chmod((dir / "shut").c_str(), 0);
  CHECK(Scanner(some_rules(), {}).folder(dir.path()).problems.size() == 2);
  ::chmod((dir / "shut").c_str(), 0700);
}

TEST_CASE("a file that vanishes while the folder is walked is a problem") {
  const fusebox::test::TempDir dir;
  for (int i = 0; i < 200; ++i) write(dir / ("f" + std::to_string(i)), "needle=x\n");
  Options options;
  options.threads = 1;
  std::atomic<bool> is_first{true};
  options.progress = [&](std::uint64_t) {
    if (!is_first.exchange(false)) return;
    ::usleep(200'000);  // the walk has listed all by now
    for (const auto& entry : fs::directory_iterator(dir.path())) fs::remove(entry.path());
  };
  const Report report = Scanner(some_rules(), options).folder(dir.path());
  CHECK(report.findings.size() + report.problems.size() == 200);
  CHECK(report.problems.size() > 100);
}

TEST_CASE("what is named like an archive and is none is a problem, once archives are asked for") {
  const fusebox::test::TempDir dir;
  write(dir / "a.tar.gz", "needle=x\n");
  Options options;
  CHECK(Scanner(some_rules(), options).folder(dir.path()).skipped_archives.size() == 1);
  options.max_archive_depth = 2;
  CHECK(Scanner(some_rules(), options).folder(dir.path()).problems.size() == 1);
}
