// SPDX-License-Identifier: Apache-2.0
#include "common/store/generations.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <random>
#include <regex>

#include "common/digest.hpp"
#include "common/json.hpp"

namespace fbx::store {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kIncoming = ".incoming-";
constexpr std::string_view kRemoving = ".removing-";
constexpr const char* kManifest = "manifest.json";
constexpr const char* kSums = "SHA256SUMS";
constexpr const char* kPin = "pin";
constexpr const char* kLock = ".lock";
constexpr std::size_t kMaxManifest = 64U << 20U;

bool is_name(const std::string& text) {
  static const std::regex form(R"(\d{8}T\d{6}Z-[0-9a-f]{4})");
  return std::regex_match(text, form);
}

bool is_half_made(const std::string& name) {
  return name.starts_with(kIncoming) || name.starts_with(kRemoving);
}

std::string sha256(std::string_view text) {
  common::Sha256 digest;
  digest.add(text);
  return digest.hex();
}

// What SHA256SUMS holds: of the files what the manifest says, and the manifest's own hash, for
// which nothing else can vouch. So a change of either shows.
std::string sums_of(const std::vector<StoredFile>& files, const std::string& manifest) {
  std::string text;
  for (const StoredFile& file : files) text += fmt::format("{}  {}\n", file.sha256, file.file);
  return text + fmt::format("{}  {}\n", sha256(manifest), kManifest);
}

std::string problem_of(const common::Folder& folder, const std::vector<StoredFile>& files) {
  for (const StoredFile& file : files) {
    const auto size = folder.file_size(file.file);
    if (!size) return fmt::format("{} is missing", file.file);
    if (*size != file.stored_bytes)
      return fmt::format("{} has {} bytes instead of {}", file.file, *size, file.stored_bytes);
  }
  return {};
}

bool has_manifest(const common::Folder& root, const std::string& name) {
  const auto folder = root.subfolder_if_there(name);
  return folder && folder.contains(kManifest);
}

std::string incoming_name(const std::string& name) { return fmt::format("{}{}", kIncoming, name); }

}  // namespace

std::string new_name() {
  std::random_device random;
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y%m%dT%H%M%SZ}-{:04x}", fmt::gmtime(now), random() & 0xffffU);
}

void require_plain(const std::string& file) {
  const bool plain = !file.empty() && file.size() < 200 && file.front() != '.' &&
                     file.find('/') == std::string::npos && file != kManifest && file != kSums &&
                     file != kPin;
  if (!plain)
    throw Error(FBX_ARGUMENT, fmt::format("\"{}\" is no name for a file of a generation", file));
}

std::vector<StoredFile> files_of(const json::object& manifest) {
  const auto* list = common::array_at(manifest, "files");
  if (list == nullptr) throw Error(FBX_ARGUMENT, "the manifest has no list of files");
  std::vector<StoredFile> files;
  for (const json::value& item : *list) {
    if (!item.is_object()) throw Error(FBX_ARGUMENT, "a file of the manifest is no object");
    const json::object& object = item.get_object();
    StoredFile file{common::need_text(object, "file"),
                    static_cast<std::uint64_t>(common::need_integer(object, "bytes")),
                    static_cast<std::uint64_t>(common::need_integer(object, "stored_bytes")),
                    common::need_text(object, "sha256")};
    require_plain(file.file);
    files.push_back(std::move(file));
  }
  return files;
}

Generation Generations::read(const std::string& name) const {
  Generation generation;
  generation.name = name;
  try {
    const common::Folder folder = root_.subfolder(name);
    const std::string text = folder.read_file(kManifest, kMaxManifest);
    if (folder.contains(kPin)) generation.pin = folder.read_file(kPin, 4096);
    generation.manifest = common::parse_object(text, "the manifest", FBX_FAILED);
    generation.time = common::need_text(generation.manifest, "time");
    generation.sequence =
        static_cast<std::uint64_t>(common::need_integer(generation.manifest, "sequence"));
    if (common::need_text(generation.manifest, "generation") != name)
      throw Error(FBX_FAILED, "its manifest belongs to another generation");
    generation.files = files_of(generation.manifest);
    if (folder.read_file(kSums, kMaxManifest) != sums_of(generation.files, text))
      throw Error(FBX_FAILED, "manifest.json and SHA256SUMS do not belong together");
    for (const StoredFile& file : generation.files) generation.stored_bytes += file.stored_bytes;
    generation.problem = problem_of(folder, generation.files);
  } catch (const std::exception& error) {
    generation.problem = error.what();
  }
  return generation;
}

std::vector<Generation> Generations::list() const {
  std::vector<Generation> found;
  if (!root_) return found;
  for (const std::string& name : root_.names())
    if (is_name(name) && has_manifest(root_, name)) found.push_back(read(name));
  std::sort(found.begin(), found.end(), [](const Generation& a, const Generation& b) {
    return a.sequence != b.sequence ? a.sequence > b.sequence : a.name > b.name;
  });
  return found;
}

Generation Generations::find(const std::string& name) const {
  const bool latest = name == "latest";
  if (latest || is_name(name)) {
    for (Generation& one : list())
      if (latest ? one.problem.empty() : one.name == name) return std::move(one);
  }
  throw Error(FBX_NOT_FOUND,
              latest
                  ? fmt::format("there is no generation in {}", root_.path().string())
                  : fmt::format("there is no generation \"{}\" in {}", name, root_.path().string()),
              latest ? "make one: fusebox backup create" : "`fusebox backup list` shows all");
}

std::vector<std::string> Generations::interrupted() const {
  std::vector<std::string> names;
  if (!root_) return names;
  for (const std::string& name : root_.names())
    if (is_half_made(name) || (is_name(name) && !has_manifest(root_, name))) names.push_back(name);
  return names;
}

common::Fd Generations::lock() const {
  const fs::path path = root_.path() / kLock;
  common::Fd fd(::openat(root_.fd(), kLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) throw common::io_error("open", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) throw common::io_error("lock", path, errno);
  throw Error(FBX_CONFLICT,
              fmt::format("another backup works in {} at this moment", root_.path().string()),
              "wait until it has ended");
}

std::vector<std::string> Generations::sweep(const std::set<std::string>& keep) const {
  std::vector<std::string> swept;
  for (const std::string& name : interrupted()) {
    if (!is_half_made(name)) continue;  // it has a generation's name: somebody put it there
    if (name.starts_with(kIncoming) && keep.contains(name.substr(kIncoming.size()))) continue;
    root_.remove(name);
    swept.push_back(name);
  }
  return swept;
}

common::Folder Generations::incoming_if_there(const std::string& name) const {
  return root_.subfolder_if_there(incoming_name(name));
}

common::Folder Generations::make_incoming(const std::string& name) const {
  return root_.make_subfolder(incoming_name(name));
}

void Generations::discard_incoming(const std::string& name) const {
  root_.remove(incoming_name(name));
}

void Generations::publish(const std::string& name, json::object manifest,
                          const std::string& pin) const {
  std::uint64_t sequence = 1;
  for (const Generation& one : list()) sequence = std::max(sequence, one.sequence + 1);
  manifest["generation"] = name;
  manifest["sequence"] = sequence;
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  manifest["time"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
  adopt(name, manifest, pin);
}

void Generations::adopt(const std::string& name, const json::object& manifest,
                        const std::string& pin) const {
  const std::string text = json::serialize(manifest) + "\n";
  const common::Folder folder = root_.subfolder(incoming_name(name));
  folder.write_file(kSums, sums_of(files_of(manifest), text));
  if (!pin.empty()) folder.write_file(kPin, pin);
  folder.write_file(kManifest, text);
  if (root_.contains(name)) remove(name);
  root_.rename(incoming_name(name), name);
  root_.sync();
}

void Generations::set_pin(const Generation& generation, const std::string& pin) const {
  const common::Folder folder = root_.subfolder(generation.name);
  if (!pin.empty()) return folder.write_file(kPin, pin);
  folder.remove(kPin);
  folder.sync();
}

void Generations::remove(const std::string& name) const {
  const std::string doomed = fmt::format("{}{}", kRemoving, name);
  root_.rename(name, doomed);
  root_.sync();
  root_.remove(doomed);
}

}  // namespace fbx::store
