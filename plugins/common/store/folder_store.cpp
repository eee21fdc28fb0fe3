// SPDX-License-Identifier: Apache-2.0
#include "common/store/folder_store.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <thread>

#include "common/json.hpp"
#include "common/result.hpp"

namespace fbx::store {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using common::need_text;

constexpr std::string_view kSuffix = ".zst";

Packing packing_of(const std::string& file) {
  return file.ends_with(kSuffix) ? Packing::zstd : Packing::none;
}

std::uint64_t size_at(const json::object& request, std::string_view key) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, common::integer_at(request, key).value_or(0)));
}

// Free for ordinary users, of the file system that `path`, or the nearest folder above, is on.
std::uint64_t free_bytes(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  struct ::statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0)
    throw common::io_error("ask for the free space of", path, errno);
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::value or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace

FolderSettings folder_settings(const common::Context& context, const fs::path& folder) {
  FolderSettings settings;
  settings.root = folder / context.stack;
  settings.level = static_cast<int>(common::need_integer(context.config, "level"));
  settings.threads = static_cast<int>(common::need_integer(context.config, "threads"));
  settings.min_free = static_cast<std::uint64_t>(common::need_integer(context.config, "min_free"));
  return settings;
}

std::string FolderStore::begin(Op& op, std::string_view text) {
  const auto request = common::parse_object(text, "the request to begin a generation");
  const std::lock_guard guard(mutex_);
  if (lock_)
    throw Error(FBX_CONFLICT, fmt::format("generation {} has not ended yet", begun_),
                "commit or abort it first");
  common::Fd lock = generations_.lock();
  const auto swept = generations_.sweep();
  for (const std::string& name : swept)
    op.log(Level::warn, fmt::format("removed {}, which was interrupted", name));
  check_room(size_at(request, "bytes"), size_at(request, "stored"));
  const std::string name = new_name();
  const fs::path folder = generations_.incoming(name);
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) throw common::io_error("create", folder, error.value());
  fs::permissions(folder, fs::perms::owner_all);
  lock_ = std::move(lock);
  begun_ = name;
  put_.clear();
  return json::serialize(json::object{{"generation", name},
                                      {"where", generations_.folder(name).string()},
                                      {"free", free_bytes(generations_.root())},
                                      {"swept", array_of(swept)}});
}

std::string FolderStore::put(Op& op, std::string_view text, int fd) {
  const auto request = common::parse_object(text, "the request to store a file");
  const std::string name = require_begun(request);
  const bool compress = common::boolean_at(request, "compress").value_or(true);
  const std::string file = need_text(request, "file") + std::string(compress ? kSuffix : "");
  require_plain(file);
  PackOptions options;
  options.packing = packing_of(file);
  options.level = settings_.level;
  options.threads = threads();
  const Packed packed = pack(op, fd, generations_.incoming(name) / file, options);
  const std::lock_guard guard(mutex_);
  put_[file] = packed;
  return json::serialize(json::object{{"file", file},
                                      {"bytes", packed.bytes},
                                      {"stored_bytes", packed.stored_bytes},
                                      {"sha256", packed.sha256}});
}

std::string FolderStore::commit(Op&, std::string_view text) {
  const auto request = common::parse_object(text, "the request to commit a generation");
  const std::string name = require_begun(request);
  const auto* manifest = common::object_at(request, "manifest");
  if (manifest == nullptr) throw Error(FBX_ARGUMENT, "a generation needs a manifest");
  const std::lock_guard guard(mutex_);
  require_same(files_of(*manifest));
  generations_.publish(name, *manifest, common::text_at(request, "pin").value_or(""));
  end();
  return json::serialize(
      json::object{{"generation", name}, {"where", generations_.folder(name).string()}});
}

std::string FolderStore::abort(Op&, std::string_view text) {
  const auto request = common::parse_object(text, "the request to abort a generation");
  const std::string name = require_begun(request);
  const std::lock_guard guard(mutex_);
  std::error_code error;
  fs::remove_all(generations_.incoming(name), error);
  end();
  if (error) throw common::io_error("remove", generations_.incoming(name), error.value());
  return "{}";
}

std::string FolderStore::list(Op&, std::string_view) {
  json::array list;
  for (Generation& one : generations_.list())
    list.push_back({{"generation", one.name},
                    {"time", one.time},
                    {"stored_bytes", one.stored_bytes},
                    {"pin", or_null(one.pin)},
                    {"problem", or_null(one.problem)},
                    {"manifest", std::move(one.manifest)}});
  return json::serialize(json::object{{"generations", std::move(list)},
                                      {"interrupted", array_of(generations_.interrupted())},
                                      {"where", generations_.root().string()},
                                      {"free", free_bytes(generations_.root())}});
}

std::string FolderStore::get(Op& op, std::string_view text, int fd) {
  const auto request = common::parse_object(text, "the request for a file");
  const Generation generation = generations_.find(need_text(request, "generation"));
  const std::string wanted = need_text(request, "file");
  for (const StoredFile& file : generation.files) {
    if (file.file != wanted) continue;
    const auto bytes = unpack(op, generations_.folder(generation.name) / wanted, packing_of(wanted),
                              file.sha256, file.stored_bytes, fd);
    return json::serialize(json::object{{"bytes", bytes}});
  }
  throw Error(FBX_NOT_FOUND,
              fmt::format("generation {} has no file \"{}\"", generation.name, wanted));
}

std::string FolderStore::verify(Op& op, std::string_view text) {
  const auto request = common::parse_object(text, "the request to verify a generation");
  const Generation generation = generations_.find(need_text(request, "generation"));
  json::array files;
  std::uint64_t done = 0;
  for (const StoredFile& file : generation.files) {
    op.progress(done, generation.stored_bytes, "bytes", "reading " + file.file);
    const std::string problem = problem_of(op, generation, file);
    files.push_back({{"file", file.file}, {"ok", problem.empty()}, {"problem", problem}});
    done += file.stored_bytes;
  }
  // Of the manifest itself.
  if (!generation.problem.empty() && (files.empty() || generation.stored_bytes == 0))
    files.push_back({{"file", "manifest.json"}, {"ok", false}, {"problem", generation.problem}});
  return json::serialize(
      json::object{{"generation", generation.name}, {"files", std::move(files)}, {"bytes", done}});
}

std::string FolderStore::pin(Op&, std::string_view text) {
  const auto request = common::parse_object(text, "the request to pin a generation");
  const std::string why = common::text_at(request, "pin").value_or("");
  const auto lock = lock_unless_begun();
  const Generation generation = generations_.find(need_text(request, "generation"));
  generations_.set_pin(generation, common::one_line(why));
  return json::serialize(json::object{{"generation", generation.name}});
}

std::string FolderStore::remove(Op&, std::string_view text) {
  const auto request = common::parse_object(text, "the request to remove a generation");
  const auto lock = lock_unless_begun();
  const Generation generation = generations_.find(need_text(request, "generation"));
  if (!generation.pin.empty())
    throw Error(FBX_CONFLICT,
                fmt::format("generation {} is pinned: {}", generation.name, generation.pin),
                fmt::format("let it go first: fusebox backup unpin {}", generation.name));
  generations_.remove(generation);
  return json::serialize(json::object{{"generation", generation.name}});
}

int FolderStore::threads() const {
  if (settings_.threads > 0) return settings_.threads;
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 4U));
}

void FolderStore::check_room(std::uint64_t bytes, std::uint64_t stored) const {
  const std::uint64_t need = stored != 0 ? stored : bytes;
  const std::uint64_t reserve = settings_.min_free;
  const std::uint64_t free = free_bytes(generations_.root());
  if (need + reserve <= free) return;
  const auto human = [](std::uint64_t size) {
    return common::human_size(static_cast<double>(size));
  };
  throw Error(FBX_IO,
              fmt::format("{} has {} free, and the backup needs about {} (and {} stay free)",
                          generations_.root().string(), human(free), human(need), human(reserve)),
              "make room there: `fusebox backup prune`, another `folder`, or a smaller min_free");
}

std::string FolderStore::require_begun(const json::object& request) {
  const std::string name = need_text(request, "generation");
  const std::lock_guard guard(mutex_);
  if (!lock_ || name != begun_)
    throw Error(FBX_NOT_FOUND, fmt::format("no generation \"{}\" is being made", name));
  return name;
}

void FolderStore::require_same(const std::vector<StoredFile>& files) const {
  bool same = files.size() == put_.size();
  for (const StoredFile& file : files) {
    const auto found = put_.find(file.file);
    same = same && found != put_.end() && found->second.sha256 == file.sha256 &&
           found->second.stored_bytes == file.stored_bytes;
  }
  if (!same)
    throw Error(FBX_CONFLICT, "the manifest names other files than those that were stored");
}

std::string FolderStore::problem_of(const Op& op, const Generation& generation,
                                    const StoredFile& file) const {
  try {
    const Packed now = measure(op, generations_.folder(generation.name) / file.file);
    if (now.stored_bytes != file.stored_bytes)
      return fmt::format("it has {} bytes instead of {}", now.stored_bytes, file.stored_bytes);
    return now.sha256 == file.sha256 ? "" : "its SHA-256 is not the manifest's";
  } catch (const Error& error) {
    op.check("verifying " + file.file);
    return error.what();
  }
}

common::Fd FolderStore::lock_unless_begun() {
  const std::lock_guard guard(mutex_);
  return lock_ ? common::Fd() : generations_.lock();
}

void FolderStore::end() {
  begun_.clear();
  put_.clear();
  lock_ = common::Fd();
}

}  // namespace fbx::store
