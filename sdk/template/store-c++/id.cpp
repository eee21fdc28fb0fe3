// SPDX-License-Identifier: Apache-2.0
// fusebox.store/1: generations in a folder. One that is being written has a name with a dot in
// front, and gets its own by a rename, once its manifest is written.
#include <fusebox/plugin.hpp>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

[[noreturn]] void io_error(const std::string& what) {
  throw fbx::Error(FBX_IO, what + ": " + std::strerror(errno), "look at the disk");
}

class File {
 public:
  File(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (fd_ < 0) io_error("cannot open " + path.string());
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct Copied {
  std::uint64_t bytes = 0;
  std::string sha256;
};

// `to` -1: only hash. Never the whole stream in memory.
Copied copy(fbx::Op& op, int from, int to) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(),
                                                                     &EVP_MD_CTX_free);
  EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
  Copied copied;
  char buffer[65536];
  for (;;) {
    op.check("copying a file");
    const auto n = ::read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) io_error("cannot read");
    if (n == 0) break;
    EVP_DigestUpdate(hash.get(), buffer, static_cast<std::size_t>(n));
    for (ssize_t done = 0; to >= 0 && done < n;) {
      const auto written = ::write(to, buffer + done, static_cast<std::size_t>(n - done));
      if (written < 0 && errno != EINTR) io_error("cannot write");
      if (written > 0) done += written;
    }
    copied.bytes += static_cast<std::uint64_t>(n);
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(hash.get(), digest, &size);
  static const char hex[] = "0123456789abcdef";
  for (unsigned i = 0; i < size; ++i) {
    copied.sha256 += hex[digest[i] >> 4U];
    copied.sha256 += hex[digest[i] & 15U];
  }
  return copied;
}

void write_durably(const fs::path& path, const std::string& text) {
  const File out(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (::write(out.fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(out.fd()) != 0)
    io_error("cannot write " + path.string());
}

void sync_folder(const fs::path& folder) {
  const File handle(folder, O_RDONLY | O_DIRECTORY);
  if (::fsync(handle.fd()) != 0) io_error("cannot make durable what is in " + folder.string());
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string now(const char* format) {
  const std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &utc)};
}

std::string text_of(const json::object& object, const char* field) {
  const auto* value = object.if_contains(field);
  if (value == nullptr || !value->is_string())
    throw fbx::Error(FBX_ARGUMENT, std::string("the request has no text `") + field + "`");
  return std::string(value->get_string());
}

bool is_plain(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
}

}  // namespace

class PLUGIN_CLASS : public fbx::Plugin, public fbx::Store {
 public:
  // The context holds the settings, complete and valid by the manifest.
  explicit PLUGIN_CLASS(std::string_view context) {
    try {
      folder_ = json::value_to<std::string>(json::parse(context).at("config").at("folder"));
    } catch (const std::exception& error) {
      throw fbx::Error(FBX_CONFIG, std::string("cannot read the settings: ") + error.what(),
                       "compare them with `fusebox plugins info @id@`");
    }
  }

  std::string begin(fbx::Op& op, std::string_view request) override {
    const std::lock_guard lock(mutex_);
    op.check("beginning a generation");
    const auto asked = json::parse(request).as_object();
    fs::create_directories(folder_);
    auto held = std::make_unique<File>(folder_ / ".lock", O_RDWR | O_CREAT);
    if (::flock(held->fd(), LOCK_EX | LOCK_NB) != 0)
      throw fbx::Error(FBX_CONFLICT, "another writer holds " + folder_.string(), "wait for it");
    const auto* stored = asked.if_contains("stored");
    const auto needed =
        stored != nullptr && stored->is_number() ? stored->to_number<std::uint64_t>() : 0;
    if (fs::space(folder_).available < needed)
      throw fbx::Error(FBX_IO, folder_.string() + " has too little room", "make some, or prune");
    json::array swept;
    for (const auto& name : interrupted()) {
      fs::remove_all(draft(name));
      swept.push_back(json::string(name));
    }
    const auto id = now("%Y%m%dT%H%M%SZ") + "-" + four_digits();
    fs::create_directory(draft(id));
    writer_ = std::move(held);
    return json::serialize(json::object{{"generation", id},
                                        {"where", folder_.string()},
                                        {"free", fs::space(folder_).available},
                                        {"swept", swept}});
  }

  std::string put(fbx::Op& op, std::string_view request, int fd) override {
    const auto asked = json::parse(request).as_object();
    const auto file = text_of(asked, "file");
    if (!is_plain(file) || file == "manifest.json" || file == "pin")
      throw fbx::Error(FBX_ARGUMENT, "\"" + file + "\" is no name for a file here");
    const auto path = begun(asked) / file;
    const File out(path, O_WRONLY | O_CREAT | O_TRUNC);
    const auto copied = copy(op, fd, out.fd());
    if (::fsync(out.fd()) != 0) io_error("cannot write " + path.string());
    return json::serialize(json::object{{"file", file},
                                        {"bytes", copied.bytes},
                                        {"stored_bytes", copied.bytes},
                                        {"sha256", copied.sha256}});
  }

  std::string commit(fbx::Op&, std::string_view request) override {
    const auto asked = json::parse(request).as_object();
    const auto id = text_of(asked, "generation");
    const auto folder = begun(asked);
    auto manifest = asked.at("manifest").as_object();
    std::vector<std::string> said;
    for (const auto& file : manifest.at("files").as_array())
      said.push_back(text_of(file.as_object(), "file"));
    std::vector<std::string> there;
    for (const auto& entry : fs::directory_iterator(folder))
      there.push_back(entry.path().filename().string());
    std::sort(said.begin(), said.end());
    std::sort(there.begin(), there.end());
    if (said != there)
      throw fbx::Error(FBX_CONFLICT, "the manifest does not list the files that were put",
                       "begin again");
    std::int64_t sequence = 0;
    for (const auto& name : committed()) sequence = std::max(sequence, sequence_of(name));
    manifest["generation"] = id;
    manifest["time"] = now("%Y-%m-%dT%H:%M:%SZ");
    manifest["sequence"] = sequence + 1;
    if (const auto* why = asked.if_contains("pin"); why != nullptr && why->is_string())
      write_durably(folder / "pin", std::string(why->get_string()));
    write_durably(folder / "manifest.json", json::serialize(manifest));
    sync_folder(folder);
    fs::rename(folder, folder_ / id);
    sync_folder(folder_);
    release();
    return json::serialize(json::object{{"generation", id}, {"where", (folder_ / id).string()}});
  }

  std::string abort(fbx::Op&, std::string_view request) override {
    const auto id = text_of(json::parse(request).as_object(), "generation");
    if (is_plain(id)) fs::remove_all(draft(id));
    release();
    return "{}";
  }

  std::string list(fbx::Op&, std::string_view) override {
    json::array generations;
    for (const auto& id : committed()) {
      const auto manifest = manifest_of(id);
      const auto problem = problem_of(id, manifest);
      const auto pin = folder_ / id / "pin";
      std::uint64_t bytes = 0;
      for (const auto& entry : fs::directory_iterator(folder_ / id)) bytes += entry.file_size();
      const auto* time = manifest.if_contains("time");
      generations.push_back(
          json::object{{"generation", id},
                       {"time", time != nullptr ? *time : json::value("")},
                       {"stored_bytes", bytes},
                       {"pin", fs::exists(pin) ? json::value(read_text(pin)) : json::value()},
                       {"problem", problem.empty() ? json::value() : json::value(problem)},
                       {"manifest", manifest}});
    }
    std::error_code unknown;
    const auto room = fs::space(folder_, unknown);
    return json::serialize(json::object{{"generations", generations},
                                        {"interrupted", json::value_from(interrupted())},
                                        {"where", folder_.string()},
                                        {"free", unknown ? 0 : room.available}});
  }

  std::string get(fbx::Op& op, std::string_view request, int fd) override {
    const auto asked = json::parse(request).as_object();
    const auto id = existing(asked);
    const auto file = text_of(asked, "file");
    const auto entry = find_file(manifest_of(id), file);
    if (!entry) throw fbx::Error(FBX_NOT_FOUND, id + " has no file " + file);
    const File in(folder_ / id / file, O_RDONLY);
    const auto* from = asked.if_contains("from");
    const auto skip = from != nullptr && from->is_number() ? from->to_number<std::uint64_t>() : 0;
    const auto all = copy(op, in.fd(), skip == 0 ? fd : -1);
    if (all.sha256 != text_of(*entry, "sha256"))
      throw fbx::Error(FBX_FAILED, file + " of " + id + " is not what the manifest says",
                       "use another generation");
    if (skip == 0) return json::serialize(json::object{{"bytes", all.bytes}});
    if (::lseek(in.fd(), static_cast<off_t>(skip), SEEK_SET) < 0) io_error("cannot seek");
    return json::serialize(json::object{{"bytes", copy(op, in.fd(), fd).bytes}});
  }

  std::string verify(fbx::Op& op, std::string_view request) override {
    const auto id = existing(json::parse(request).as_object());
    const auto manifest = manifest_of(id);
    json::array files;
    std::uint64_t bytes = 0;
    for (const auto& file : files_of(manifest)) {
      const auto name = text_of(file.as_object(), "file");
      std::string problem;
      try {
        const File in(folder_ / id / name, O_RDONLY);
        const auto copied = copy(op, in.fd(), -1);
        bytes += copied.bytes;
        if (copied.sha256 != text_of(file.as_object(), "sha256"))
          problem = "its content has changed";
      } catch (const fbx::Error& error) {
        if (error.rc() == FBX_CANCELLED || error.rc() == FBX_TIMEOUT) throw;
        problem = error.what();
      }
      files.push_back(json::object{{"file", name}, {"ok", problem.empty()}, {"problem", problem}});
    }
    return json::serialize(json::object{{"generation", id}, {"files", files}, {"bytes", bytes}});
  }

  std::string pin(fbx::Op&, std::string_view request) override {
    const auto asked = json::parse(request).as_object();
    const auto path = folder_ / existing(asked) / "pin";
    const auto* why = asked.if_contains("pin");
    if (why != nullptr && why->is_string())
      write_durably(path, std::string(why->get_string()));
    else
      fs::remove(path);
    return "{}";
  }

  std::string remove(fbx::Op&, std::string_view request) override {
    const auto id = existing(json::parse(request).as_object());
    if (fs::exists(folder_ / id / "pin"))
      throw fbx::Error(FBX_CONFLICT, id + " is pinned: " + read_text(folder_ / id / "pin"),
                       "let it go first");
    const std::lock_guard lock(mutex_);
    const File held(folder_ / ".lock", O_RDWR | O_CREAT);
    if (writer_ || ::flock(held.fd(), LOCK_EX | LOCK_NB) != 0)
      throw fbx::Error(FBX_CONFLICT, "a writer holds " + folder_.string(), "wait for it");
    fs::rename(folder_ / id, draft(id));  // at one moment it is there, at the next it is not
    sync_folder(folder_);
    fs::remove_all(draft(id));
    return "{}";
  }

 private:
  void release() {
    const std::lock_guard lock(mutex_);
    writer_.reset();
  }
  fs::path draft(const std::string& id) const { return folder_ / ("." + id); }
  fs::path begun(const json::object& asked) const {
    const auto id = text_of(asked, "generation");
    if (!is_plain(id) || !fs::is_directory(draft(id)))
      throw fbx::Error(FBX_NOT_FOUND, "no generation " + id + " was begun", "call begin() first");
    return draft(id);
  }
  // Newest first.
  std::vector<std::string> committed() const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_, none))
      if (entry.is_directory() && is_plain(entry.path().filename().string()))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end(), [this](const auto& a, const auto& b) {
      const auto left = sequence_of(a);
      const auto right = sequence_of(b);
      return left != right ? left > right : a > b;
    });
    return names;
  }
  std::vector<std::string> interrupted() const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_, none))
      if (entry.is_directory() && entry.path().filename().string().front() == '.')
        names.push_back(entry.path().filename().string().substr(1));
    return names;
  }
  std::string existing(const json::object& asked) const {
    const auto id = text_of(asked, "generation");
    for (const auto& name : committed())
      if (id == name || (id == "latest" && problem_of(name, manifest_of(name)).empty()))
        return name;
    throw fbx::Error(FBX_NOT_FOUND, "there is no generation " + id,
                     "`fusebox backup list` shows all");
  }
  json::object manifest_of(const std::string& id) const {
    boost::system::error_code ec;
    const auto value = json::parse(read_text(folder_ / id / "manifest.json"), ec);
    return ec || !value.is_object() ? json::object{} : value.get_object();
  }
  static json::array files_of(const json::object& manifest) {
    const auto* files = manifest.if_contains("files");
    return files != nullptr && files->is_array() ? files->get_array() : json::array{};
  }
  std::string problem_of(const std::string& id, const json::object& manifest) const {
    if (!manifest.contains("files")) return "its manifest cannot be read";
    for (const auto& file : files_of(manifest)) {
      std::error_code missing;
      const auto size = fs::file_size(folder_ / id / text_of(file.as_object(), "file"), missing);
      if (missing || json::value(size) != file.at("stored_bytes"))
        return text_of(file.as_object(), "file") + " is missing, or has another size";
    }
    return {};
  }
  static std::optional<json::object> find_file(const json::object& manifest,
                                               const std::string& name) {
    for (const auto& file : files_of(manifest))
      if (text_of(file.as_object(), "file") == name) return file.as_object();
    return std::nullopt;
  }
  std::int64_t sequence_of(const std::string& id) const {
    const auto manifest = manifest_of(id);
    const auto* value = manifest.if_contains("sequence");
    return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0;
  }
  static std::string four_digits() {
    std::random_device random;
    const auto value = random();
    static const char hex[] = "0123456789abcdef";
    return {hex[value & 15U], hex[(value >> 4U) & 15U], hex[(value >> 8U) & 15U],
            hex[(value >> 12U) & 15U]};
  }

  fs::path folder_;
  std::mutex mutex_;
  std::unique_ptr<File> writer_;  // the lock, from begin() to commit() or abort()
};
FUSEBOX_PLUGIN(PLUGIN_CLASS)
