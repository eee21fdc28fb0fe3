// SPDX-License-Identifier: Apache-2.0
#include "common/archive_parts.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fusebox/plugin.hpp>

namespace fbx::common {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Error(FBX_DENIED, fmt::format("the stream holds \"{}\", {}", name, why),
              "it is no stream of a data volume: use another");
}

}  // namespace

std::string archive_text(::archive* a) {
  const char* text = ::archive_error_string(a);
  return text != nullptr ? text : "unknown error";
}

Utf8Locale::Utf8Locale() {
  for (const char* name : {"C.UTF-8", "en_US.UTF-8", "UTF-8"})
    if (locale_ == nullptr) locale_ = ::newlocale(LC_CTYPE_MASK, name, nullptr);
  if (locale_ != nullptr) before_ = ::uselocale(locale_);
}

Utf8Locale::~Utf8Locale() {
  if (locale_ == nullptr) return;
  ::uselocale(before_);
  ::freelocale(locale_);
}

void TarEnd::watch(std::string_view bytes) {
  ended_ = bytes.empty();
  const auto last = bytes.find_last_not_of('\0');
  if (last == std::string_view::npos)
    zeros_ += bytes.size();
  else
    zeros_ = bytes.size() - last - 1;
}

std::uint64_t hole_before(std::uint64_t at, la_int64_t offset, std::size_t block,
                          std::uint64_t size) {
  const auto begin = static_cast<std::uint64_t>(offset);
  if (offset < 0 || begin < at || begin > size || block > size - begin)
    throw Error(FBX_FAILED, "the tar stream holds a sparse file whose pieces do not fit together",
                "it is damaged, or made to do harm: use another");
  return begin - at;
}

la_ssize_t PulledBytes::read(::archive* a, void* self, const void** bytes) {
  auto& pulled = *static_cast<PulledBytes*>(self);
  try {
    const std::string_view next = pulled.next();
    *bytes = next.data();
    return static_cast<la_ssize_t>(next.size());
  } catch (...) {
    pulled.thrown = std::current_exception();
    ::archive_set_error(a, ECANCELED, "stopped");
    return -1;
  }
}

la_ssize_t PushedBytes::write(::archive* a, void* self, const void* bytes, std::size_t size) {
  auto& pushed = *static_cast<PushedBytes*>(self);
  try {
    pushed.take({static_cast<const char*>(bytes), size});
    return static_cast<la_ssize_t>(size);
  } catch (...) {
    pushed.thrown = std::current_exception();
    ::archive_set_error(a, ECANCELED, "stopped");
    return -1;
  }
}

fs::path EntryGuard::clean(const std::string& name, const std::string& shown) const {
  const fs::path path = fs::path(name);
  if (path.is_absolute()) refuse(shown, "an absolute path");
  fs::path clean;
  for (const fs::path& part : path) {
    if (part == "..") refuse(shown, "which climbs out with \"..\"");
    if (part.empty() || part == ".") continue;
    if (links_.contains(clean.string())) refuse(shown, "which goes through a symbolic link");
    clean /= part;
  }
  return clean;
}

fs::path EntryGuard::admit(::archive_entry* entry) {
  const char* raw = ::archive_entry_pathname(entry);
  if (raw == nullptr) refuse("", "an entry without a name");
  const std::string name(raw);
  fs::path path = clean(name, name);
  const auto type = ::archive_entry_filetype(entry);
  if (type == AE_IFBLK || type == AE_IFCHR) refuse(name, "a device");
  if (links_.contains(path.string())) refuse(name, "which is in it twice");
  if (::archive_entry_hardlink(entry) == nullptr && type == AE_IFLNK) links_.insert(path.string());
  return path;
}

fs::path EntryGuard::hard_link(::archive_entry* entry) const {
  const char* target = ::archive_entry_hardlink(entry);
  if (target == nullptr) return {};
  const std::string name(::archive_entry_pathname(entry));
  fs::path linked = clean(target, name);
  if (links_.contains(linked.string())) refuse(name, "a hard link to a symbolic link");
  if (linked.empty()) refuse(name, "a hard link to the folder itself");
  return linked;
}

}  // namespace fbx::common
