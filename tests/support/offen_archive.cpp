// SPDX-License-Identifier: Apache-2.0
#include "support/offen_archive.hpp"

#include "support/search.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

namespace fusebox::test {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t block = 512;

void pad(std::string& out) { out.append((block - out.size() % block) % block, '\0'); }

std::string header(const std::string& name, char type, const struct ::stat& info, std::size_t size,
                   const std::string& link) {
  std::string out(block, '\0');
  const auto put = [&](std::size_t at, const std::string& text) {
    std::memcpy(out.data() + at, text.data(), text.size());
  };
  put(0, name.substr(0, 100));
  put(100, fmt::format("{:07o}", info.st_mode & 07777U));
  put(108, fmt::format("{:07o}", info.st_uid));
  put(116, fmt::format("{:07o}", info.st_gid));
  put(124, fmt::format("{:011o}", size));
  put(136, fmt::format("{:011o}", info.st_mtime));
  put(148, "        ");
  put(156, std::string(1, type));
  put(157, link);
  put(257, std::string("ustar\0"
                       "00",
                       8));
  put(265, "somebody");
  put(297, "somebody");
  const auto sum = std::accumulate(out.begin(), out.end(), 0U, [](unsigned all, char byte) {
    return all + static_cast<unsigned char>(byte);
  });
  put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return out;
}

// "30 path=...\n", whose number counts itself.
std::string record(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  std::size_t size = rest.size();
  while (fmt::format("{}", size).size() + rest.size() != size)
    size = fmt::format("{}", size).size() + rest.size();
  return fmt::format("{}{}", size, rest);
}

bool fits_ustar(const std::string& name) {
  return name.size() <= 100 &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c & 0x80) == 0; });
}

void add(std::string& out, const fs::path& path, const std::string& name) {
  struct ::stat info {};
  if (::lstat(path.c_str(), &info) != 0 || S_ISSOCK(info.st_mode)) return;
  const std::string link = S_ISLNK(info.st_mode) ? fs::read_symlink(path).string() : "";
  const std::string content = S_ISREG(info.st_mode) ? slurp(path) : "";
  const char type = S_ISDIR(info.st_mode) ? '5' : S_ISLNK(info.st_mode) ? '2' : '0';
  if (!fits_ustar(name)) {
    const auto text = record("path", name);
    out += header("PaxHeaders.0", 'x', {}, text.size(), "") + text;
    pad(out);
  }
  out += header(name, type, info, content.size(), link) + content;
  pad(out);
}

void walk(std::string& out, const fs::path& folder, const std::string& name) {
  add(out, folder, name);
  std::vector<fs::path> inside;
  for (const auto& item : fs::directory_iterator(folder)) inside.push_back(item.path());
  std::sort(inside.begin(), inside.end());
  for (const auto& path : inside) {
    const auto below = name + "/" + path.filename().string();
    if (fs::is_directory(fs::symlink_status(path)))
      walk(out, path, below);
    else
      add(out, path, below);
  }
}

}  // namespace

std::string offen_archive(const fs::path& folder, const std::string& name) {
  std::string out;
  walk(out, folder, name);
  return out + std::string(2 * block, '\0');
}

}  // namespace fusebox::test
