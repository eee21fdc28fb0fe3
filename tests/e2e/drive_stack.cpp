// SPDX-License-Identifier: Apache-2.0
#include "e2e/drive_stack.hpp"

#include "plugins/common/digest.hpp"
#include "plugins/common/folder.hpp"
#include "support/search.hpp"
#include "support/servers.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>

namespace fusebox::test {

namespace fs = std::filesystem;
namespace json = boost::json;

DriveStack::DriveStack(const std::string& drive, const std::string& more) {
  fs::create_directory(box_ / "drive");
  box_.write("fusebox.toml", fmt::format(R"([stack]
name = "two-places"

[plugins.backup-local]
folder = "backups"
min_free = 0

[plugins.drive]
use = "backup-external"
path = "drive"
min_free = 0
{}
{})",
                                         drive, more));
}

Ended DriveStack::expect(int exit_code, const std::vector<std::string>& args) const {
  Ended ended = (*this)(args);
  INFO(fmt::format("{}", fmt::join(args, " ")));
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
  return ended;
}

Child DriveStack::start(const std::vector<std::string>& args,
                        const std::map<std::string, std::string>& environment) const {
  ChildSpec spec;
  spec.command = {fusebox_program().string()};
  spec.command.insert(spec.command.end(), args.begin(), args.end());
  spec.cwd = box_.path();
  spec.log = box_ / "child.log";
  for (const std::string& one : box_.environment(environment)) {
    const auto equals = one.find('=');
    spec.environment[one.substr(0, equals)] = one.substr(equals + 1);
  }
  return Child(spec);
}

std::string DriveStack::make(const std::map<std::string, std::string>& files,
                             const std::string& pin) const {
  fs::create_directories(originals());
  const fbx::store::Generations store(fbx::common::Folder::open(originals()));
  const auto lock = store.lock();
  const std::string name = fbx::store::new_name();
  const auto folder = store.make_incoming(name);
  json::array list;
  for (const auto& [file, bytes] : files) {
    folder.write_file(file, bytes);
    fbx::common::Sha256 digest;
    digest.add(bytes);
    list.push_back({{"file", file},
                    {"bytes", bytes.size()},
                    {"stored_bytes", bytes.size()},
                    {"sha256", digest.hex()}});
  }
  store.publish(name, {{"files", std::move(list)}, {"sources", json::array{}}}, pin);
  return name;
}

std::string DriveStack::make(std::size_t bytes, unsigned seed) const {
  return make({{"data.bin", noise(bytes, seed)}});
}

std::vector<fbx::store::Generation> DriveStack::list(const fs::path& folder) {
  return fbx::store::Generations(fbx::common::Folder::open_if_there(folder)).list();
}

std::vector<std::string> DriveStack::whole(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& one : list(folder))
    if (one.problem.empty()) names.push_back(one.name);
  std::reverse(names.begin(), names.end());
  return names;
}

std::string DriveStack::damage(const fs::path& folder) const {
  std::string found;
  for (const auto& one : list(folder)) {
    const auto checked = box_.program(
        {"sh", "-c",
         fmt::format("cd {} && sha256sum --strict -c SHA256SUMS", (folder / one.name).string())});
    if (!one.problem.empty() || checked.exit_code != 0)
      found += fmt::format("{}: {} {}\n", one.name, one.problem, checked.all());
  }
  return found;
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(text.data() + at, &word, std::min(sizeof word, size - at));
  }
  return text;
}

void flip_bit(const fs::path& file) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(file) / 2);
  stream.seekg(middle);
  const int byte = stream.get();
  stream.seekp(middle);
  stream.put(static_cast<char>(byte ^ 1));
}

}  // namespace fusebox::test
