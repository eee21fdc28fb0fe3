// SPDX-License-Identifier: Apache-2.0
#include "log_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace runtime_process::shim {
namespace {

constexpr std::size_t longest_line = 16 * 1024;
constexpr std::size_t shortest_secret = 4;  // shorter ones would blot out ordinary text

void replace_all(std::string& text, const std::string& what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), with);
    at += with.size();
  }
}

}  // namespace

LogWriter::LogWriter(fs::path file, std::uint64_t max_size, int files,
                     std::vector<std::string> redact)
    : file_(std::move(file)),
      max_size_(std::max<std::uint64_t>(max_size, 4096)),
      files_(std::max(files, 1)),
      redact_(std::move(redact)) {
  std::erase_if(redact_, [](const auto& value) { return value.size() < shortest_secret; });
  // The longest first: one value may be part of another.
  std::sort(redact_.begin(), redact_.end(),
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
  open();
}

void LogWriter::take(std::string_view stream, std::string_view bytes) {
  auto found = std::find_if(streams_.begin(), streams_.end(),
                            [&](const Stream& s) { return s.name == stream; });
  if (found == streams_.end())
    found = streams_.insert(streams_.end(), Stream{std::string(stream), {}});
  std::string& waiting = found->waiting;
  waiting += bytes;
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = waiting.find('\n', start);
    if (end != std::string::npos && end - start <= longest_line) {
      write_line(stream, std::string_view(waiting).substr(start, end - start));
      start = end + 1;
    } else if (waiting.size() - start > longest_line) {
      write_line(stream, std::string_view(waiting).substr(start, longest_line));
      start += longest_line;
    } else {
      break;
    }
  }
  waiting.erase(0, start);
}

void LogWriter::flush() {
  for (Stream& stream : streams_) {
    if (!stream.waiting.empty()) write_line(stream.name, stream.waiting);
    stream.waiting.clear();
  }
}

void LogWriter::write_line(std::string_view stream, std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::string text(line);
  for (const std::string& value : redact_) replace_all(text, value, "***");
  const std::string entry =
      fmt::format("{} {} {}\n", format_time(std::chrono::system_clock::now()), stream, text);
  if (size_ > 0 && size_ + entry.size() > max_size_) rotate();
  const ssize_t written = ::write(fd_.get(), entry.data(), entry.size());
  if (written > 0) size_ += static_cast<std::uint64_t>(written);
}

void LogWriter::open() {
  fd_ = Fd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct ::stat status {};
  size_ = ::fstat(fd_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

void LogWriter::rotate() {
  const auto numbered = [&](int n) {
    return n == 0 ? file_.string() : fmt::format("{}.{}", file_.string(), n);
  };
  for (int n = files_ - 1; n > 0; --n) std::rename(numbered(n - 1).c_str(), numbered(n).c_str());
  if (files_ == 1) ::unlink(file_.c_str());
  open();
}

}  // namespace runtime_process::shim
