// SPDX-License-Identifier: Apache-2.0
#include "common/store/folder_store.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <thread>
#include <utility>

#include "common/json.hpp"
#include "common/result.hpp"

namespace fbx::store {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using common::need_text;

constexpr std::string_view kSuffix = ".zst";
constexpr std::string_view kSealed = ".age";

Packing packing_of(std::string_view file) {
  if (file.ends_with(kSealed)) file.remove_suffix(kSealed.size());
  return file.ends_with(kSuffix) ? Packing::zstd : Packing::none;
}

std::uint64_t size_at(const json::object& request, std::string_view key) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, common::integer_at(request, key).value_or(0)));
}

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::value or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

// The manifest must tell of exactly what was put: nothing lost on the way, nothing invented.
void require_same(const std::vector<StoredFile>& files, const std::map<std::string, Packed>& put) {
  bool same = files.size() == put.size();
  for (const StoredFile& file : files) {
    const auto found = put.find(file.file);
    same = same && found != put.end() && found->second.sha256 == file.sha256 &&
           found->second.stored_bytes == file.stored_bytes;
  }
  if (!same)
    throw Error(FBX_CONFLICT, "the manifest names other files than those that were stored");
}

std::string problem_of(const Op& op, const common::Folder& folder, const StoredFile& file) {
  try {
    const Packed now = measure(op, folder, file.file);
    if (now.stored_bytes != file.stored_bytes)
      return fmt::format("it has {} bytes instead of {}", now.stored_bytes, file.stored_bytes);
    return now.sha256 == file.sha256 ? "" : "its SHA-256 is not the manifest's";
  } catch (const Error& error) {
    op.check("verifying " + file.file);
    return error.what();
  }
}

}  // namespace

FolderSettings folder_settings(const common::Context& context, const fs::path& folder) {
  FolderSettings settings;
  settings.root = folder / context.stack;
  settings.level = static_cast<int>(common::need_integer(context.config, "level"));
  settings.threads = static_cast<int>(common::need_integer(context.config, "threads"));
  settings.min_free = static_cast<std::uint64_t>(common::need_integer(context.config, "min_free"));
  if (const auto* list = common::array_at(context.config, "encrypt_to"))
    for (const json::value& item : *list) settings.recipients.emplace_back(item.as_string());
  settings.identity = common::secret_at(context.config, "identity").value_or("");
  return settings;
}

common::Folder FolderStore::open_root(const Op&, Use use) const {
  if (use == Use::read) return common::Folder::open_if_there(settings_.root);
  std::error_code error;
  fs::create_directories(settings_.root, error);
  if (error) throw common::io_error("create", settings_.root, error.value());
  common::Folder root = common::Folder::open(settings_.root);
  ::fchmod(root.fd(), 0700);
  return root;
}

std::string FolderStore::begin(Op& op, std::string_view text) {
  const auto request = common::parse_object(text, "the request to begin a generation");
  const std::lock_guard guard(mutex_);
  if (begun_)
    throw Error(FBX_CONFLICT, fmt::format("generation {} has not ended yet", begun_->name),
                "commit or abort it first");
  Generations generations(open_root(op, Use::write));
  common::Fd lock = generations.lock();
  const auto swept = generations.sweep();
  for (const std::string& name : swept)
    op.log(Level::warn, fmt::format("removed {}, which was interrupted", name));
  const common::Folder& root = generations.root();
  check_room(root, size_at(request, "bytes"), size_at(request, "stored"));
  const std::string name = new_name();
  generations.make_incoming(name);
  json::object answer{{"generation", name},
                      {"where", (root.path() / name).string()},
                      {"free", root.free_bytes()},
                      {"swept", array_of(swept)}};
  begun_.emplace(Begun{name, std::move(generations), std::move(lock), {}});
  return json::serialize(answer);
}

std::string FolderStore::put(Op& op, std::string_view text, int fd) {
  const auto request = common::parse_object(text, "the request to store a file");
  Begun& begun = require_begun(request);
  const bool compress = common::boolean_at(request, "compress").value_or(true);
  const bool seal = compress && !settings_.recipients.empty();
  const std::string file = fmt::format("{}{}{}", need_text(request, "file"),
                                       compress ? kSuffix : "", seal ? kSealed : "");
  require_plain(file);
  PackOptions options;
  options.packing = compress ? Packing::zstd : Packing::none;
  options.level = settings_.level;
  options.threads = threads();
  if (seal) options.recipients = settings_.recipients;
  if (!settings_.recipients.empty() && !compress && file.ends_with(kSuffix))
    op.log(Level::warn, fmt::format("{} is kept as it came: not encrypted", file));
  const common::Folder incoming = begun.generations.make_incoming(begun.name);
  incoming.remove(file);
  const Packed packed = pack(op, fd, incoming, file, options);
  const std::lock_guard guard(mutex_);
  begun.put[file] = packed;
  return json::serialize(json::object{{"file", file},
                                      {"bytes", packed.bytes},
                                      {"stored_bytes", packed.stored_bytes},
                                      {"sha256", packed.sha256}});
}

std::string FolderStore::commit(Op&, std::string_view text) {
  const auto request = common::parse_object(text, "the request to commit a generation");
  Begun& begun = require_begun(request);
  const auto* manifest = common::object_at(request, "manifest");
  if (manifest == nullptr) throw Error(FBX_ARGUMENT, "a generation needs a manifest");
  const std::lock_guard guard(mutex_);
  require_same(files_of(*manifest), begun.put);
  begun.generations.publish(begun.name, *manifest, common::text_at(request, "pin").value_or(""));
  const json::object answer{{"generation", begun.name},
                            {"where", (begun.generations.root().path() / begun.name).string()}};
  begun_.reset();
  return json::serialize(answer);
}

std::string FolderStore::abort(Op&, std::string_view text) {
  const auto request = common::parse_object(text, "the request to abort a generation");
  require_begun(request);
  const std::lock_guard guard(mutex_);
  const Begun begun = *std::exchange(begun_, std::nullopt);
  begun.generations.discard_incoming(begun.name);
  return "{}";
}

std::string FolderStore::list(Op& op, std::string_view) {
  const Generations generations(open_root(op, Use::read));
  json::array list;
  for (Generation& one : generations.list())
    list.push_back({{"generation", one.name},
                    {"time", one.time},
                    {"stored_bytes", one.stored_bytes},
                    {"pin", or_null(one.pin)},
                    {"problem", or_null(one.problem)},
                    {"manifest", std::move(one.manifest)}});
  return json::serialize(json::object{{"generations", std::move(list)},
                                      {"interrupted", array_of(generations.interrupted())},
                                      {"where", settings_.root.string()},
                                      {"free", common::free_bytes(settings_.root)}});
}

std::string FolderStore::get(Op& op, std::string_view text, int fd) {
  const auto request = common::parse_object(text, "the request for a file");
  const Generations generations(open_root(op, Use::read));
  const Generation generation = generations.find(need_text(request, "generation"));
  const std::string wanted = need_text(request, "file");
  for (const StoredFile& file : generation.files) {
    if (file.file != wanted) continue;
    const common::Folder folder = generations.folder(generation.name);
    const Expected expected{file.stored_bytes, file.sha256};
    const auto bytes = common::boolean_at(request, "stored").value_or(false)
                           ? send_stored(op, folder, wanted, expected, size_at(request, "from"), fd)
                           : open_file(op, folder, wanted, expected, fd);
    return json::serialize(json::object{{"bytes", bytes}});
  }
  throw Error(FBX_NOT_FOUND,
              fmt::format("generation {} has no file \"{}\"", generation.name, wanted));
}

std::uint64_t FolderStore::open_file(const Op& op, const common::Folder& folder,
                                     const std::string& file, const Expected& expected,
                                     int fd) const {
  UnpackOptions options{packing_of(file), nullptr};
  if (!file.ends_with(kSealed)) return unpack(op, folder, file, expected, options, fd);
  if (settings_.identity.empty())
    throw Error(FBX_DENIED, fmt::format("{} is encrypted, and no identity is set", file),
                "set identity = { secret = \"NAME\" } of this store: the key that age-keygen made");
  const Secret identity = op.secret(settings_.identity);
  options.identity = &identity;
  return unpack(op, folder, file, expected, options, fd);
}

std::string FolderStore::verify(Op& op, std::string_view text) {
  const auto request = common::parse_object(text, "the request to verify a generation");
  const Generations generations(open_root(op, Use::read));
  const Generation generation = generations.find(need_text(request, "generation"));
  const common::Folder folder = generations.folder(generation.name);
  json::array files;
  std::uint64_t done = 0;
  for (const StoredFile& file : generation.files) {
    op.progress(done, generation.stored_bytes, "bytes", "reading " + file.file);
    const std::string problem = problem_of(op, folder, file);
    files.push_back({{"file", file.file}, {"ok", problem.empty()}, {"problem", problem}});
    done += file.stored_bytes;
  }
  // Of the manifest itself.
  if (!generation.problem.empty() && (files.empty() || generation.stored_bytes == 0))
    files.push_back({{"file", "manifest.json"}, {"ok", false}, {"problem", generation.problem}});
  return json::serialize(
      json::object{{"generation", generation.name}, {"files", std::move(files)}, {"bytes", done}});
}

std::string FolderStore::pin(Op& op, std::string_view text) {
  const auto request = common::parse_object(text, "the request to pin a generation");
  const std::string why = common::text_at(request, "pin").value_or("");
  const Generations generations(open_root(op, Use::write));
  const auto lock = lock_unless_begun(generations);
  const Generation generation = generations.find(need_text(request, "generation"));
  generations.set_pin(generation, common::one_line(why));
  return json::serialize(json::object{{"generation", generation.name}});
}

std::string FolderStore::remove(Op& op, std::string_view text) {
  const auto request = common::parse_object(text, "the request to remove a generation");
  const Generations generations(open_root(op, Use::write));
  const auto lock = lock_unless_begun(generations);
  const Generation generation = generations.find(need_text(request, "generation"));
  if (!generation.pin.empty())
    throw Error(FBX_CONFLICT,
                fmt::format("generation {} is pinned: {}", generation.name, generation.pin),
                fmt::format("let it go first: fusebox backup unpin {}", generation.name));
  generations.remove(generation.name);
  return json::serialize(json::object{{"generation", generation.name}});
}

int FolderStore::threads() const {
  if (settings_.threads > 0) return settings_.threads;
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 4U));
}

void FolderStore::check_room(const common::Folder& root, std::uint64_t bytes,
                             std::uint64_t stored) const {
  const std::uint64_t need = stored != 0 ? stored : bytes;
  const std::uint64_t free = root.free_bytes();
  if (need + settings_.min_free <= free) return;
  const auto human = [](std::uint64_t size) {
    return common::human_size(static_cast<double>(size));
  };
  throw Error(
      FBX_IO,
      fmt::format("{} has {} free, and the backup needs about {} (and {} stay free)",
                  root.path().string(), human(free), human(need), human(settings_.min_free)),
      "make room there: `fusebox backup prune`, another `folder`, or a smaller min_free");
}

FolderStore::Begun& FolderStore::require_begun(const json::object& request) {
  const std::string name = need_text(request, "generation");
  const std::lock_guard guard(mutex_);
  if (!begun_ || begun_->name != name)
    throw Error(FBX_NOT_FOUND, fmt::format("no generation \"{}\" is being made", name));
  return *begun_;
}

common::Fd FolderStore::lock_unless_begun(const Generations& generations) {
  const std::lock_guard guard(mutex_);
  return begun_ ? common::Fd() : generations.lock();
}

}  // namespace fbx::store
