// SPDX-License-Identifier: Apache-2.0
#include "common/tar_writer.hpp"

#include <fmt/format.h>

#include <ctime>
#include <fusebox/plugin.hpp>

#include "common/archive_parts.hpp"

namespace fbx::common {

struct TarWriter::State {
  PushedBytes target;
  ArchiveWriter writer{::archive_write_new(), &::archive_write_free};

  void check(la_ssize_t rc) const {
    if (rc >= ARCHIVE_OK) return;
    if (target.thrown) std::rethrow_exception(target.thrown);
    throw Error(FBX_IO, fmt::format("cannot write a tar stream: {}", archive_text(writer.get())));
  }

  void begin(const std::string& path, unsigned type, TarOwner owner, unsigned mode,
             std::uint64_t size, const std::string& link) {
    const std::unique_ptr<::archive_entry, decltype(&::archive_entry_free)> entry(
        ::archive_entry_new(), &::archive_entry_free);
    ::archive_entry_set_pathname(entry.get(), path.c_str());
    ::archive_entry_set_filetype(entry.get(), type);
    ::archive_entry_set_perm(entry.get(), static_cast<::mode_t>(mode));
    ::archive_entry_set_uid(entry.get(), owner.uid);
    ::archive_entry_set_gid(entry.get(), owner.gid);
    ::archive_entry_set_mtime(entry.get(), std::time(nullptr), 0);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    if (!link.empty()) ::archive_entry_set_hardlink(entry.get(), link.c_str());
    check(::archive_write_header(writer.get(), entry.get()));
  }
};

TarWriter::TarWriter(std::function<void(std::string_view)> push)
    : state_(std::make_unique<State>()) {
  state_->target.take = std::move(push);
  ::archive* a = state_->writer.get();
  ::archive_write_set_format_pax_restricted(a);
  ::archive_write_set_bytes_per_block(a, 65536);
  ::archive_write_set_bytes_in_last_block(a, 1);
  state_->check(::archive_write_open(a, &state_->target, nullptr, &PushedBytes::write, nullptr));
}

// What was not finished must not get an end that looks whole.
TarWriter::~TarWriter() { ::archive_write_fail(state_->writer.get()); }

void TarWriter::folder(const std::string& path, TarOwner owner, unsigned mode) {
  state_->begin(path + "/", AE_IFDIR, owner, mode, 0, {});
}

void TarWriter::file(const std::string& path, TarOwner owner, unsigned mode, std::uint64_t size) {
  state_->begin(path, AE_IFREG, owner, mode, size, {});
}

void TarWriter::add(std::string_view bytes) {
  state_->check(::archive_write_data(state_->writer.get(), bytes.data(), bytes.size()));
}

void TarWriter::hard_link(const std::string& path, const std::string& target, TarOwner owner,
                          unsigned mode) {
  state_->begin(path, AE_IFREG, owner, mode, 0, target);
}

void TarWriter::finish() { state_->check(::archive_write_close(state_->writer.get())); }

}  // namespace fbx::common
