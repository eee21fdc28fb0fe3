// SPDX-License-Identifier: Apache-2.0
#include "common/compose/lock_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <fusebox/plugin.hpp>
#include <iterator>
#include <system_error>

namespace fbx::compose {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view name_chars =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

[[noreturn]] void refuse(const std::string& file, std::size_t line, std::string_view what) {
  throw Error(FBX_CONFIG, fmt::format("{}:{}: {}", file, line, what),
              "write one NAME=image:tag per line, without quotes or spaces");
}

[[noreturn]] void io_error(std::string_view call, const fs::path& file) {
  throw Error(
      FBX_IO,
      fmt::format("cannot {} {}: {}", call, file.string(), std::generic_category().message(errno)),
      "make room on the disk, or the folder writable");
}

struct Fd {
  explicit Fd(int number) : fd(number) {}
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int fd;
};

// Calls `visit` with each line's number, its text and where it starts.
template <class Visit>
void each_line(std::string_view text, Visit visit) {
  std::size_t number = 1;
  for (std::size_t begin = 0; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    visit(number, line, begin);
    begin = end + 1;
  }
}

bool is_entry(std::string_view line) { return !line.empty() && line.front() != '#'; }

}  // namespace

const LockEntry* LockFile::find(std::string_view name) const {
  const auto it = std::find_if(entries.begin(), entries.end(),
                               [&](const LockEntry& entry) { return entry.name == name; });
  return it == entries.end() ? nullptr : &*it;
}

LockFile parse_lock(std::string_view text, const std::string& file) {
  LockFile lock;
  each_line(text, [&](std::size_t number, std::string_view line, std::size_t) {
    if (line.find_first_not_of(" \t") == std::string_view::npos || !is_entry(line)) return;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0)
      refuse(file, number, "this is not NAME=image:tag");
    const std::string_view name = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    if (name.find_first_not_of(name_chars) != std::string_view::npos)
      refuse(file, number, "a name has letters, digits and _ only");
    if (value.empty()) refuse(file, number, fmt::format("{} has no value", name));
    if (value.find_first_of(" \t'\"$`\\#") != std::string_view::npos)
      refuse(file, number, fmt::format("the value of {} has a quote, a space, # or $", name));
    if (const LockEntry* before = lock.find(name))
      refuse(file, number, fmt::format("{} is in line {} already", name, before->line));
    lock.entries.push_back({std::string(name), std::string(value), number});
  });
  return lock;
}

LockFile read_lock(const fs::path& file) { return parse_lock(read_text(file), file.string()); }

Reference parse_reference(std::string_view text) {
  Reference reference;
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    reference.digest = text.substr(at + 1);
    text = text.substr(0, at);
  }
  // A colon before the last slash belongs to the registry's port.
  const std::size_t colon = text.rfind(':');
  const std::size_t slash = text.rfind('/');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    reference.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  reference.name = text;
  return reference;
}

std::string with_values(std::string_view text, const std::map<std::string, std::string>& values) {
  std::string out;
  std::size_t done = 0;
  each_line(text, [&](std::size_t, std::string_view line, std::size_t begin) {
    const std::size_t equals = line.find('=');
    if (!is_entry(line) || equals == std::string_view::npos) return;
    const auto value = values.find(std::string(line.substr(0, equals)));
    if (value == values.end()) return;
    out.append(text.substr(done, begin + equals + 1 - done)).append(value->second);
    done = begin + line.size();
  });
  return out.append(text.substr(done));
}

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    if (!fs::exists(file))
      throw Error(FBX_CONFIG, fmt::format("{} does not exist", file.string()),
                  "mend the path in the configuration, or make the file");
    io_error("read", file);
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_atomically(const fs::path& file, std::string_view content) {
  // A link stays a link: what it points to is replaced.
  std::error_code ignored;
  const fs::path target = fs::exists(file, ignored) ? fs::canonical(file) : file;
  const fs::path folder = target.parent_path();
  std::string name = (folder / ("." + target.filename().string() + ".XXXXXX")).string();
  const Fd temporary(::mkstemp(name.data()));
  if (temporary.fd < 0) io_error("write in", folder);
  const auto give_up = [&](std::string_view call) {
    const int saved = errno;
    ::unlink(name.c_str());
    errno = saved;
    io_error(call, target);
  };
  struct stat before {};
  const mode_t mode = ::stat(target.c_str(), &before) == 0 ? before.st_mode & 07777U : 0644;
  if (::fchmod(temporary.fd, mode) != 0) give_up("set the mode of");
  for (std::string_view rest = content; !rest.empty();) {
    const ssize_t n = ::write(temporary.fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) give_up("write");
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(temporary.fd) != 0) give_up("write");
  if (::rename(name.c_str(), target.c_str()) != 0) give_up("replace");
  const Fd parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.fd >= 0) ::fsync(parent.fd);
}

}  // namespace fbx::compose
