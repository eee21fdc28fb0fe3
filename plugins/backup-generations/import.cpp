// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "common/archive_split.hpp"
#include "common/beside.hpp"
#include "common/deadline.hpp"
#include "common/io.hpp"
#include "common/result.hpp"
#include "draft.hpp"
#include "portable.hpp"
#include "restore_text.hpp"
#include "sources.hpp"
#include "volumes.hpp"

namespace fbx::backup {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using common::ArchiveSplit;
using common::Result;
using common::Severity;
using common::SplitEntry;

constexpr std::size_t kMaxText = 64U << 20U;
constexpr const char* kManifest = "manifest.json";
constexpr const char* kSums = "SHA256SUMS";

Error refused(const std::string& why) {
  return {FBX_FAILED, fmt::format("the archive is refused: {}", why),
          "import what `fusebox backup export` or docker-volume-backup wrote, whole"};
}

// The archive's bytes, in pieces.
class Input {
 public:
  Input(const Op& op, const fs::path& path)
      : op_(op), path_(path), fd_(common::open_file(path)), buffer_(1U << 17U) {
    struct ::stat status {};
    if (::fstat(fd_.get(), &status) == 0 && S_ISREG(status.st_mode))
      size_ = static_cast<std::uint64_t>(status.st_size);
  }
  std::string_view next() {
    op_.check("importing");
    for (;;) {
      const ssize_t got = ::read(fd_.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw common::io_error("read", path_, errno);
      const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
      if (read_ == 0) require_plain(bytes);
      read_ += bytes.size();
      op_.progress(read_, size_, "bytes", "importing");
      return bytes;
    }
  }
  std::uint64_t size() const { return size_; }

 private:
  void require_plain(std::string_view begin) const {
    if (begin.starts_with("age-encryption.org/") || path_.extension() == ".gpg")
      throw Error(FBX_FAILED, fmt::format("{} is encrypted", path_.string()),
                  "decrypt it first: age -d -i KEY-FILE, or gpg -d");
  }
  const Op& op_;
  fs::path path_;
  common::Fd fd_;
  std::vector<char> buffer_;
  std::uint64_t size_ = 0;
  std::uint64_t read_ = 0;
};

std::string text_of(ArchiveSplit& split, const SplitEntry& entry) {
  if (!entry.is_file || entry.bytes > kMaxText)
    throw refused(fmt::format("{} is no small text", entry.path));
  std::string text;
  split.content([&](std::string_view bytes) { text += bytes; });
  return text;
}

// ---- what export wrote
// ---------------------------------------------------------------------------

// A plain name, as a store takes it; the store says so, too, but later.
bool is_plain(const std::string& file) {
  return !file.empty() && file.front() != '.' && file.find('/') == std::string::npos &&
         file != kManifest && file != kSums;
}

std::map<std::string, json::object> files_of(const json::object& manifest) {
  const auto* list = common::array_at(manifest, "files");
  if (list == nullptr) throw refused("its manifest has no list of files");
  std::map<std::string, json::object> files;
  for (const json::value& item : *list) {
    if (!item.is_object()) throw refused("a file of its manifest is no object");
    const json::object& file = item.get_object();
    const auto name = common::text_at(file, "file").value_or("");
    if (!is_plain(name) || !common::text_at(file, "sha256") ||
        common::integer_at(file, "bytes").value_or(-1) < 0 ||
        common::integer_at(file, "stored_bytes").value_or(-1) < 0)
      throw refused("a file of its manifest is not told in full");
    if (!files.emplace(name, file).second)
      throw refused(fmt::format("its manifest names {} twice", name));
  }
  return files;
}

// What follows is stored as it is, each file under the hash that the manifest tells.
void take_files(const Op& op, ArchiveSplit& split, const std::string& folder,
                std::map<std::string, json::object> files, Draft& draft) {
  while (const auto entry = split.next()) {
    const fs::path path = entry->path;
    const auto found = files.find(path.filename().string());
    if (path.parent_path() != folder || !entry->is_file || found == files.end())
      throw refused(fmt::format("{} does not belong to it", entry->path));
    const auto& [name, told] = *found;
    json::object stored = draft.put(name, false, [&](int fd) {
      const common::Stream out(op, fd, "reading " + name);
      split.content([&](std::string_view bytes) { out.write(bytes); });
      return std::string();
    });
    if (common::need_text(stored, "file") != name || stored.at("sha256") != told.at("sha256") ||
        common::need_integer(stored, "stored_bytes") != common::need_integer(told, "stored_bytes"))
      throw refused(fmt::format("{} is damaged: its SHA-256 is not the manifest's", name));
    stored["bytes"] = told.at("bytes");
    draft.keep(stored);
    files.erase(found);
  }
  if (!files.empty()) throw refused(fmt::format("{} is missing", files.begin()->first));
}

// The order of files is the manifest's: the hash of SHA256SUMS rests on it.
json::object import_generation(const Op& op, const common::Context& context, ArchiveSplit& split,
                               const SplitEntry& first, Draft& draft, Result& result) {
  const std::string folder = fs::path(first.path).parent_path().string();
  const std::string text = text_of(split, first);
  json::object manifest = common::parse_object(text, "the archive's manifest", FBX_FAILED);
  auto files = files_of(manifest);
  if (common::text_at(manifest, "generation") != folder)
    throw refused("its manifest belongs to another generation");
  const auto second = split.next();
  if (!second || second->path != folder + "/" + kSums ||
      text_of(split, *second) != sums_of(manifest, text))
    throw refused("manifest.json and SHA256SUMS do not belong together");
  take_files(op, split, folder, std::move(files), draft);

  const auto stack = common::text_at(manifest, "stack").value_or("");
  if (stack != context.stack)
    result.add({Severity::warning, fmt::format("the generation is of the stack {}", stack),
                fmt::format("this stack is {}", context.stack),
                "restore it here only when that is what you mean", draft.name()});
  manifest["imported"] = json::object{{"from", "export"},
                                      {"generation", folder},
                                      {"stack", stack},
                                      {"time", common::text_at(manifest, "time").value_or("")}};
  // Key fingerprints are made with the name that the generation had first.
  if (!manifest.contains("keys_for")) manifest["keys_for"] = folder;
  return manifest;
}

// ---- What docker-volume-backup wrote ------------------------------------------------------------

json::object import_volumes(const Op& op, const common::Context& context, ArchiveSplit& split,
                            const SplitEntry& root, const VolumeMap& volumes, Draft& draft,
                            Result& result) {
  json::array sources;
  std::set<std::string> taken;
  while (const auto entry = split.next()) {
    const fs::path path = entry->path;
    if (path.parent_path() != root.path)
      throw refused(fmt::format("{} stands apart from its mount", entry->path));
    const std::string mount = path.filename().string();
    if (!entry->is_folder) {
      result.add({Severity::warning, fmt::format("{} is not imported", entry->path),
                  "it is a file beside the mounts, and belongs to none", "", draft.name()});
      continue;
    }
    if (!taken.insert(mount).second) throw refused(fmt::format("{} is in it twice", mount));
    const common::Stopwatch watch;
    const auto source = volumes.source_of(mount);
    if (!source) {
      split.folder([](std::string_view) {});
      continue;
    }
    common::ArchiveTotals totals;
    const auto stored = draft.put(source->file, true, [&](int fd) {
      const common::Stream out(op, fd, "importing " + mount);
      totals = split.folder([&](std::string_view bytes) { out.write(bytes); });
      return std::string();
    });
    draft.keep(stored);
    sources.push_back({{"name", source->name},
                       {"instance", source->instance},
                       {"kind", source->kind},
                       {"service", source->service},
                       {"file", common::need_text(stored, "file")},
                       {"bytes", common::need_integer(stored, "bytes")},
                       {"stored_bytes", common::need_integer(stored, "stored_bytes")},
                       {"milliseconds", static_cast<std::int64_t>(watch.ms())},
                       {"by_hand", json::array(source->by_hand.begin(), source->by_hand.end())},
                       {"version", ""},
                       {"counts", {{"files", totals.files}, {"bytes", totals.bytes}}},
                       {"facts", {{"mode", "cold"}}}});
  }
  if (sources.empty()) throw refused("it holds no folder of a mount that is to be imported");
  json::object manifest{{"format", 1},
                        {"stack", context.stack},
                        {"attached", json::array()},
                        {"keys", json::object()},
                        {"sources", std::move(sources)},
                        {"imported", {{"from", "docker-volume-backup"}}}};
  draft.attach(op, "RESTORE.txt", restore_text(draft.name(), manifest));
  return manifest;
}

}  // namespace

std::string plan_import(const common::StepRequest& request) {
  Result result;
  result.action(fmt::format("read {} into a new generation",
                            common::text_at(request.with, "file").value_or("")));
  return result.json();
}

std::string import_archive(const Op& op, const common::Context& context,
                           const common::StepRequest& request) {
  const common::Stopwatch watch;
  Result result;
  const fs::path path = common::need_text(request.with, "file");
  Input input(op, path);
  ArchiveSplit split([&] { return input.next(); });
  const auto first = split.next();
  if (!first) throw refused("it is empty");
  const bool is_export = first->is_file && fs::path(first->path).filename() == kManifest &&
                         !fs::path(first->path).parent_path().empty();
  const bool is_volumes = first->is_folder && first->path == "backup";
  if (!is_export && !is_volumes)
    throw refused(
        fmt::format("it begins with \"{}\", and neither with a manifest nor with a "
                    "folder \"backup\" of mounts",
                    first->path));

  const auto size = static_cast<std::int64_t>(input.size());
  Draft draft(op, size, size);
  const std::string name = draft.name();
  json::object manifest =
      is_export
          ? import_generation(op, context, split, *first, draft, result)
          : import_volumes(op, context, split, *first,
                           VolumeMap(op, common::array_at(request.with, "map")), draft, result);
  manifest["imported"].as_object()["archive"] = path.filename().string();
  manifest["run"] = request.run;
  if (const auto note = common::text_at(request.with, "note")) manifest["note"] = *note;
  manifest.erase("safety");
  const Sum sum = sum_of(draft.files());
  const std::string where =
      draft.commit(std::move(manifest), common::text_at(request.with, "pin").value_or(""));
  result.summary(fmt::format("generation {}: {} from {}", name,
                             common::human_size(static_cast<double>(sum.bytes)), path.string()));
  result.metric("bytes", sum.bytes, "B");
  result.metric("stored_bytes", sum.stored, "B");
  result.metric("duration_ms", watch.ms(), "ms");
  result.artifact("generation", where);
  result.changed(true);
  return result.json();
}

}  // namespace fbx::backup
