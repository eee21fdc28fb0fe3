// SPDX-License-Identifier: Apache-2.0
#include "copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "common/store/packed_file.hpp"
#include "common/transfer.hpp"

namespace fbx::external {

namespace {

namespace json = boost::json;
using store::StoredFile;

constexpr std::size_t kPiece = 1U << 18U;
// So often what is written is brought to the drive, and the drive is looked at.
constexpr std::uint64_t kStretch = 64U << 20U;

class GenerationCopy {
 public:
  GenerationCopy(const CopyContext& context, const store::Generation& generation)
      : context_(context),
        generation_(generation),
        folder_(context.generations.make_incoming(generation.name)) {}

  Copied run() {
    remove_strangers();
    for (const StoredFile& file : generation_.files) copy(file);
    context_.drive.require_there();
    context_.generations.adopt(generation_.name, generation_.manifest, generation_.pin);
    context_.drive.require_there();
    const auto found = context_.generations.find(generation_.name);
    if (!found.problem.empty()) throw drive_failed("manifest.json", found.problem);
    return copied_;
  }

 private:
  void remove_strangers() const {
    for (const std::string& name : folder_.names())
      if (std::none_of(generation_.files.begin(), generation_.files.end(),
                       [&](const StoredFile& file) { return file.file == name; }))
        folder_.remove(name);
  }

  void copy(const StoredFile& file) {
    std::uint64_t from = usable(file);
    while (from < file.stored_bytes || !folder_.file_size(file.file)) {
      append(file, from);
      if (is_right(file)) break;
      folder_.remove(file.file);
      // What was there before may have been wrong; what was written just now may not.
      if (from == 0) throw drive_failed(file.file, "what is read back is not what was written");
      copied_.reused -= from;
      from = 0;
    }
    done_ += file.stored_bytes;
  }

  // How much of the file is there and need not be copied again.
  std::uint64_t usable(const StoredFile& file) {
    context_.drive.require_there();
    const auto size = folder_.file_size(file.file);
    const bool keep =
        size && (*size < file.stored_bytes || (*size == file.stored_bytes && is_right(file)));
    if (!keep) folder_.remove(file.file);
    if (!keep) return 0;
    copied_.reused += *size;
    return *size;
  }

  bool is_right(const StoredFile& file) const {
    context_.progress(done_ + file.stored_bytes, "reading back " + file.file);
    const auto now = store::measure(context_.op, folder_, file.file);
    return now.stored_bytes == file.stored_bytes && now.sha256 == file.sha256;
  }

  void append(const StoredFile& file, std::uint64_t from) {
    const StoreClient source = context_.op.store();
    const std::string request = json::serialize(json::object{
        {"generation", generation_.name}, {"file", file.file}, {"stored", true}, {"from", from}});
    const auto done = common::transfer([&](int fd) { return source.get(request, fd); },
                                       [&](int fd) { return take(file, from, fd); });
    if (done.reader.error) throw *done.reader.error;
    if (!done.writer.error) return;
    context_.op.check("copying " + file.file);
    throw SourceFailed(done.writer.error->rc(), done.writer.error->what(),
                       done.writer.error->hint());
  }

  std::string take(const StoredFile& file, std::uint64_t from, int fd) {
    const std::string what = fmt::format("copying {} of {}", file.file, generation_.name);
    const auto path = folder_.path() / file.file;
    const common::Fd out = folder_.append_to(file.file);
    const common::Stream in(context_.op, fd, what);
    std::vector<char> buffer(kPiece);
    std::uint64_t size = from;
    std::uint64_t synced = from;
    while (const std::size_t got = in.read(buffer)) {
      common::write_all(out.get(), {buffer.data(), got}, path);
      size += got;
      copied_.written += got;
      context_.progress(done_ + std::min(size, file.stored_bytes), "copying " + file.file);
      if (size - synced < kStretch) continue;
      common::sync_file(out.get(), path);
      context_.drive.require_there();
      synced = size;
    }
    common::sync_file(out.get(), path);
    return "{}";
  }

  Error drive_failed(const std::string& file, const std::string& why) const {
    return {FBX_IO,
            fmt::format("the drive does not keep {} of {}: {}", file, generation_.name, why),
            "do not rely on this drive: try another cable and port, look at the system's log, and "
            "use another one"};
  }

  const CopyContext& context_;
  const store::Generation& generation_;
  common::Folder folder_;
  Copied copied_;
  std::uint64_t done_ = 0;  // bytes of whole files
};

}  // namespace

Copied copy_generation(const CopyContext& context, const store::Generation& generation) {
  try {
    return GenerationCopy(context, generation).run();
  } catch (const SourceFailed&) {
    context.generations.discard_incoming(generation.name);
    throw;
  } catch (const Error& error) {
    // A drive that is pulled out fails in many ways; the operator hears of the one cause.
    if (error.rc() == FBX_IO) context.drive.require_there();
    throw;
  }
}

std::uint64_t bytes_there(const store::Generations& generations,
                          const store::Generation& generation) {
  const auto folder = generations.incoming_if_there(generation.name);
  std::uint64_t bytes = 0;
  if (folder)
    for (const StoredFile& file : generation.files)
      bytes += std::min(file.stored_bytes, folder.file_size(file.file).value_or(0));
  return bytes;
}

}  // namespace fbx::external
