// SPDX-License-Identifier: Apache-2.0
#include "tally.hpp"

#include <algorithm>
#include <boost/json/value.hpp>

namespace fbx::snapshot {

namespace json = boost::json;

namespace {

// How a runtime begins the names of what it stages in a volume itself.
constexpr std::string_view runtime_prefix = ".fbx-";

// The path and its end, so that no file's name and content read like another's.
common::Sha256 begin_file(const std::string& path) {
  common::Sha256 file;
  file.add(std::string_view(path.c_str(), path.size() + 1));
  return file;
}

}  // namespace

void Tally::watch(common::TarWalk& walk, bool with_digest) {
  with_digest_ = with_digest;
  if (with_digest)
    walk.content = [this](const common::TarEntry& entry, std::string_view bytes) {
      add_content(entry, bytes);
    };
  walk.entry = [this](const common::TarEntry& entry) { add(entry); };
}

bool Tally::is_counted(const std::string& path) const {
  if (path.starts_with(runtime_prefix)) return false;
  return std::none_of(uncounted_.begin(), uncounted_.end(), [&](const std::string& without) {
    return path.starts_with(without) &&
           (path.size() == without.size() || path[without.size()] == '/');
  });
}

void Tally::add_content(const common::TarEntry& entry, std::string_view bytes) {
  if (!entry.is_file || !is_counted(entry.path)) return;
  if (!file_) file_ = begin_file(entry.path);
  file_->add(bytes);
}

void Tally::add(const common::TarEntry& entry) {
  if (!entry.is_file || !is_counted(entry.path)) return;
  ++files_;
  bytes_ += entry.size;
  if (entry.is_hard_link) with_digest_ = false;
  if (!with_digest_) return;
  if (!file_) file_ = begin_file(entry.path);
  const auto one = file_->bytes();
  file_.reset();
  for (std::size_t i = 0; i < digest_.size(); ++i)
    digest_[i] = static_cast<unsigned char>(digest_[i] ^ one[i]);
}

json::object Tally::counts() const { return {{"files", files_}, {"bytes", bytes_}}; }

json::object Tally::digests() const {
  if (!with_digest_) return {};
  return {{"files", common::to_hex(digest_)}};
}

}  // namespace fbx::snapshot
