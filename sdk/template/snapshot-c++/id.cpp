// SPDX-License-Identifier: Apache-2.0
// fusebox.snapshot/1: one file as a stream of bytes, and back.
#include <fusebox/plugin.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

class File {
 public:
  File(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (fd_ < 0)
      throw fbx::Error(errno == ENOENT ? FBX_NOT_FOUND : FBX_IO,
                       "cannot open " + path.string() + ": " + std::strerror(errno),
                       "is it there, and yours?");
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const auto n = ::write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw fbx::Error(FBX_IO, std::string("cannot write: ") + std::strerror(errno));
    bytes += n;
    size -= static_cast<std::size_t>(n);
  }
}

// Never the whole stream in memory. `to` -1: only count.
std::uint64_t copy(fbx::Op& op, int from, int to) {
  char buffer[65536];
  std::uint64_t total = 0;
  for (;;) {
    op.check("copying the file");
    const auto n = ::read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw fbx::Error(FBX_IO, std::string("cannot read: ") + std::strerror(errno));
    if (n == 0) return total;
    if (to >= 0) write_all(to, buffer, static_cast<std::size_t>(n));
    total += static_cast<std::uint64_t>(n);
    op.progress(total, 0, "bytes");
  }
}

}  // namespace

class PLUGIN_CLASS : public fbx::Plugin, public fbx::Snapshot {
 public:
  // The context holds the settings, complete and valid by the manifest.
  explicit PLUGIN_CLASS(std::string_view context) {
    try {
      const auto all = json::parse(context);
      file_ = json::value_to<std::string>(all.at("config").at("file"));
      name_ = json::value_to<std::string>(all.at("instance"));
    } catch (const std::exception& error) {
      throw fbx::Error(FBX_CONFIG, std::string("cannot read the settings: ") + error.what(),
                       "compare them with `fusebox plugins info @id@`");
    }
  }

  std::string sources(fbx::Op&, std::string_view) override {
    std::error_code unknown;
    const auto bytes = fs::file_size(file_, unknown);
    return json::serialize(json::object{
        {"sources",
         json::array{json::object{
             {"name", name_},
             {"kind", "file"},
             {"file", name_ + ".bin"},
             {"order", 500},
             {"pause", json::array{}},
             {"offline", false},
             {"bytes", unknown ? 0 : bytes},
             {"by_hand", json::array{json::string("cp " + name_ + ".bin " + file_.string())}}}}}});
  }

  std::string capture(fbx::Op& op, std::string_view request, int fd) override {
    require_source(request);
    const File in(file_, O_RDONLY);
    return counts(copy(op, in.fd(), fd));
  }

  // A stream of any bytes is a file; what can be told is whether it is whole.
  std::string inspect(fbx::Op& op, std::string_view request, int fd) override {
    const auto asked = require_source(request);
    const auto bytes = copy(op, fd, -1);
    const auto* counted = asked.if_contains("counts");
    const auto* wanted = counted != nullptr && counted->is_object()
                             ? counted->get_object().if_contains("bytes")
                             : nullptr;
    if (wanted == nullptr || !wanted->is_number() || wanted->to_number<std::uint64_t>() != bytes)
      throw fbx::Error(
          FBX_FAILED,
          "the stream has " + std::to_string(bytes) + " bytes, not " +
              (wanted == nullptr ? "a number that is known" : json::serialize(*wanted)),
          "use another generation");
    return json::serialize(json::object{{"checked", std::to_string(bytes) + " bytes"}});
  }

  std::string stage(fbx::Op& op, std::string_view request, int fd) override {
    const auto asked = require_source(request);
    const File out(beside(asked, ".new"), O_WRONLY | O_CREAT | O_TRUNC);
    const auto bytes = copy(op, fd, out.fd());
    if (::fsync(out.fd()) != 0) throw fbx::Error(FBX_IO, "cannot make the staged file durable");
    return counts(bytes);
  }

  // Each way may be repeated after it was interrupted anywhere.
  std::string turn(fbx::Op&, std::string_view request) override {
    const auto asked = require_source(request);
    const auto to = json::value_to<std::string>(asked.at("to"));
    const auto staged = beside(asked, ".new");
    const auto old = beside(asked, ".old");
    if (to == "new") {
      if (!fs::exists(staged)) {
        if (fs::exists(old)) return "{}";
        throw fbx::Error(FBX_NOT_FOUND, "nothing is staged", "stage the stream first");
      }
      if (fs::exists(file_) && !fs::exists(old)) fs::create_hard_link(file_, old);
      fs::rename(staged, file_);
    } else if (to == "old") {
      if (fs::exists(old)) fs::rename(old, file_);
      fs::remove(staged);
    } else {
      fs::remove(old);
    }
    return "{}";
  }

  std::string count(fbx::Op& op, std::string_view request) override {
    require_source(request);
    const File in(file_, O_RDONLY);
    return counts(copy(op, in.fd(), -1));
  }

 private:
  json::object require_source(std::string_view request) const {
    auto asked = json::parse(request).as_object();
    const auto* source = asked.if_contains("source");
    if (source == nullptr || *source != json::value(name_))
      throw fbx::Error(FBX_NOT_FOUND, "there is no such source", "it has one: " + name_);
    return asked;
  }
  fs::path beside(const json::object& asked, const char* suffix) const {
    return file_.string() + "." + json::value_to<std::string>(asked.at("tag")) + suffix;
  }
  static std::string counts(std::uint64_t bytes) {
    return json::serialize(json::object{{"counts", json::object{{"bytes", bytes}}}});
  }

  fs::path file_;
  std::string name_;
};
FUSEBOX_PLUGIN(PLUGIN_CLASS)
