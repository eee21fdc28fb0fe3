// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "common/deadline.hpp"
#include "common/digest.hpp"
#include "common/io.hpp"
#include "common/result.hpp"
#include "common/tar_writer.hpp"
#include "common/transfer.hpp"
#include "draft.hpp"
#include "portable.hpp"

namespace fbx::backup {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// A file that has its name once all of it is on disk; or what is there already and no file, like a
// pipe, which gets the bytes as they come.
class Output {
 public:
  Output(const Op& op, fs::path path) : op_(op), path_(std::move(path)) {
    struct ::stat status {};
    is_stream_ = ::stat(path_.c_str(), &status) == 0 &&
                 (!S_ISREG(status.st_mode) || path_.string().starts_with("/dev/fd/"));
    if (is_stream_) {
      fd_ = common::Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
      if (!fd_) throw common::io_error("open", path_, errno);
      return;
    }
    if (fs::exists(path_))
      throw Error(FBX_CONFLICT, fmt::format("{} is there already", path_.string()),
                  "name another file, or remove it first");
    temp_ = path_.string() + ".part";
    std::error_code ignored;
    fs::remove(temp_, ignored);
    fd_ = common::create_file(temp_);
  }
  ~Output() {
    std::error_code ignored;
    if (!temp_.empty()) fs::remove(temp_, ignored);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string_view bytes) {
    if (is_stream_)
      common::Stream(op_, fd_.get(), "writing the export").write(bytes);
    else
      common::write_all(fd_.get(), bytes, temp_);
    size_ += static_cast<std::int64_t>(bytes.size());
  }
  void finish() {
    if (is_stream_) return;
    common::sync_file(fd_.get(), temp_);
    // Unlike a rename, a link does not replace.
    if (::link(temp_.c_str(), path_.c_str()) != 0) throw common::io_error("create", path_, errno);
    common::sync_folder(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
  }
  std::int64_t size() const { return size_; }

 private:
  const Op& op_;
  fs::path path_;
  fs::path temp_;
  common::Fd fd_;
  bool is_stream_ = false;
  std::int64_t size_ = 0;
};

// The generation that `name` means; one with a problem is not handed on.
json::object usable_generation(const Op& op, const std::string& name) {
  const auto answer = common::parse_object(op.store().list(), "the store's list");
  if (const auto* list = common::array_at(answer, "generations"))
    for (const json::value& item : *list) {
      const json::object& one = item.as_object();
      const auto problem = common::text_at(one, "problem");
      if (name == "latest" ? problem.has_value() : common::text_at(one, "generation") != name)
        continue;
      if (problem)
        throw Error(FBX_FAILED, fmt::format("generation {} is not whole: {}", name, *problem),
                    "export another one: `fusebox backup list`");
      return one;
    }
  throw Error(FBX_NOT_FOUND, fmt::format("there is no generation \"{}\"", name),
              "`fusebox backup list` shows all; `fusebox backup create` makes one");
}

void add_text(common::TarWriter& tar, const std::string& path, std::string_view text) {
  tar.file(path, {}, 0600, text.size());
  tar.add(text);
}

// One file as the store keeps it, which compares its hash on the way.
void add_file(const Op& op, common::TarWriter& tar, const std::string& generation,
              const std::string& file, std::uint64_t size) {
  tar.file(generation + "/" + file, {}, 0600, size);
  const StoreClient store = op.store();
  const std::string request =
      json::serialize(json::object{{"generation", generation}, {"file", file}, {"stored", true}});
  std::uint64_t got = 0;
  const common::Transfer done =
      common::transfer([&](int fd) { return store.get(request, fd); },
                       [&](int fd) {
                         const common::Stream in(op, fd, "reading " + file);
                         std::vector<char> buffer(1U << 17U);
                         while (const std::size_t count = in.read(buffer)) {
                           got += count;
                           if (got <= size) tar.add({buffer.data(), count});
                         }
                         return std::string();
                       });
  if (done.writer.error && done.writer.error->rc() == FBX_FAILED) throw *done.writer.error;
  if (done.reader.error) throw about("exporting " + file, *done.reader.error);
  if (done.writer.error) throw about("exporting " + file, *done.writer.error);
  if (got != size)
    throw Error(FBX_FAILED, fmt::format("{} has {} bytes instead of {}", file, got, size),
                "use another generation: `fusebox backup list`");
}

}  // namespace

std::string sums_of(const json::object& manifest, const std::string& text) {
  std::string sums;
  for (const json::value& item : *common::array_at(manifest, "files"))
    sums += fmt::format("{}  {}\n", common::need_text(item.as_object(), "sha256"),
                        common::need_text(item.as_object(), "file"));
  common::Sha256 digest;
  digest.add(text);
  return sums + fmt::format("{}  manifest.json\n", digest.hex());
}

std::string plan_export(const common::StepRequest& request) {
  common::Result result;
  result.action(fmt::format("write generation {} to {}",
                            common::text_at(request.with, "generation").value_or("latest"),
                            common::text_at(request.with, "file").value_or("")));
  return result.json();
}

std::string export_generation(const Op& op, const common::StepRequest& request) {
  const common::Stopwatch watch;
  const json::object found =
      usable_generation(op, common::text_at(request.with, "generation").value_or("latest"));
  const std::string name = common::need_text(found, "generation");
  const json::object& manifest = *common::object_at(found, "manifest");
  const std::string text = json::serialize(manifest) + "\n";
  const std::string path = common::need_text(request.with, "file");
  Output output(op, path);
  common::TarWriter tar([&](std::string_view bytes) { output.write(bytes); });
  add_text(tar, name + "/manifest.json", text);
  add_text(tar, name + "/SHA256SUMS", sums_of(manifest, text));
  for (const json::value& item : *common::array_at(manifest, "files")) {
    const json::object& file = item.as_object();
    op.check("exporting");
    add_file(op, tar, name, common::need_text(file, "file"),
             static_cast<std::uint64_t>(common::need_integer(file, "stored_bytes")));
    op.progress(static_cast<std::uint64_t>(output.size()),
                static_cast<std::uint64_t>(common::integer_at(found, "stored_bytes").value_or(0)),
                "bytes", "exporting");
  }
  tar.finish();
  output.finish();

  common::Result result;
  result.summary(fmt::format("generation {} is in {} ({})", name, path,
                             common::human_size(static_cast<double>(output.size()))));
  result.metric("bytes", output.size(), "B");
  result.metric("duration_ms", watch.ms(), "ms");
  result.artifact("export", path);
  return result.json();
}

}  // namespace fbx::backup
