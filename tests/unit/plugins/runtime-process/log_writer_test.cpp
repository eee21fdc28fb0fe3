// SPDX-License-Identifier: Apache-2.0
#include "runtime-process/shim/log_writer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/temp_dir.hpp"

using runtime_process::read_file;
using runtime_process::shim::LogWriter;
namespace fs = std::filesystem;

namespace {

// Without the times.
std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  const std::string text = read_file(file).value_or("");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at + 25, end - at - 25));
    at = end + 1;
  }
  return lines;
}

}  // namespace

TEST_CASE("each line gets its time and stream, also when it comes in pieces") {
  fusebox::test::TempDir dir;
  LogWriter log(dir / "a.log", 1 << 20, 3, {});
  log.take("stdout", "rea");
  log.take("stderr", "oops\r\nsecond");
  log.take("stdout", "dy\n\nnext\n");
  CHECK(lines_of(dir / "a.log") ==
        std::vector<std::string>{"stderr oops", "stdout ready", "stdout ", "stdout next"});
  log.flush();
  CHECK(lines_of(dir / "a.log").back() == "stderr second");
  const std::string first = read_file(dir / "a.log")->substr(0, 24);
  CHECK(runtime_process::parse_time(first).has_value());
}

TEST_CASE("secrets are blotted out, the longest first") {
  fusebox::test::TempDir dir;
  LogWriter log(dir / "a.log", 1 << 20, 3, {"hunter2", "hunter2hunter2", "x"});
  log.take("stdout", "pass hunter2hunter2 and hunter2, max\n");
  CHECK(lines_of(dir / "a.log") == std::vector<std::string>{"stdout pass *** and ***, max"});
}

TEST_CASE("a log never grows beyond its size, nor beyond its number of files") {
  fusebox::test::TempDir dir;
  LogWriter log(dir / "a.log", 4096, 3, {});
  for (int i = 0; i < 1000; ++i) log.take("stdout", fmt::format("line {:04} {:30}\n", i, ""));
  int files = 0;
  for (const auto& item : fs::directory_iterator(dir.path())) {
    CHECK(item.file_size() <= 4096);
    ++files;
  }
  CHECK(files == 3);
  CHECK(lines_of(dir / "a.log").back().starts_with("stdout line 0999"));
  // Nothing is lost at the seams.
  const std::string oldest_of_current = lines_of(dir / "a.log").front();
  const std::string newest_of_previous = lines_of(dir / "a.log.1").back();
  CHECK(std::stoi(oldest_of_current.substr(12, 4)) ==
        std::stoi(newest_of_previous.substr(12, 4)) + 1);
}

TEST_CASE("a line without an end is written in pieces") {
  fusebox::test::TempDir dir;
  LogWriter log(dir / "a.log", 1 << 20, 3, {});
  log.take("stdout", std::string(40 * 1024, 'x'));
  CHECK(lines_of(dir / "a.log").size() == 2);
  log.flush();
  CHECK(lines_of(dir / "a.log").size() == 3);
}

TEST_CASE("a new writer goes on where the last one ended") {
  fusebox::test::TempDir dir;
  LogWriter(dir / "a.log", 4096, 2, {}).take("stdout", "one\n");
  LogWriter(dir / "a.log", 4096, 2, {}).take("stdout", "two\n");
  CHECK(lines_of(dir / "a.log") == std::vector<std::string>{"stdout one", "stdout two"});
}
