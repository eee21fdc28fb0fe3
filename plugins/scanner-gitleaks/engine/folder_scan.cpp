// SPDX-License-Identifier: Apache-2.0
#include "engine/folder_scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <common/io.hpp>
#include <condition_variable>
#include <deque>
#include <optional>
#include <system_error>

namespace fusebox::scan {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kWaiting = 4096;  // files: a walk is quicker than a scan
constexpr std::int64_t kMegabyte = 1'000'000;

struct Target {
  std::string path;
  std::string symlink;
};

// Files that wait to be scanned.
class Queue {
 public:
  // False: nobody takes any more.
  bool put(Target target) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return targets_.size() < kWaiting || is_closed_; });
    if (is_closed_) return false;
    targets_.push_back(std::move(target));
    changed_.notify_all();
    return true;
  }
  std::optional<Target> get() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !targets_.empty() || is_closed_; });
    if (targets_.empty()) return std::nullopt;
    Target target = std::move(targets_.front());
    targets_.pop_front();
    changed_.notify_all();
    return target;
  }
  void close(bool is_aborted) {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    if (is_aborted) targets_.clear();
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Target> targets_;
  bool is_closed_ = false;
};

ReadFull reader_of(int fd) {
  return [fd](char* to, std::size_t room) {
    std::size_t have = 0;
    while (have < room) {
      const ::ssize_t got = ::read(fd, to + have, room - have);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw std::system_error(errno, std::generic_category());
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    return have;
  };
}

// Where a link leads, relative where link and path are, as Go resolves it.
fs::path resolved(fs::path path, std::error_code& error) {
  const fs::path real = fs::canonical(path, error);
  while (!error && fs::is_symlink(path, error))
    path = path.parent_path() / fs::read_symlink(path, error);
  if (error || path.is_absolute()) return real;
  return real.lexically_relative(fs::current_path());
}

std::string reason(int error) { return std::generic_category().message(error); }

class FolderWalk {
 public:
  FolderWalk(Scan& scan, const DetectorOptions& options, Queue& queue)
      : scan_(scan), detector_(scan.rules(), options), queue_(queue) {}

  void run(const fs::path& root) {
    std::error_code error;
    if (!fs::is_directory(root, error)) return take(root, fs::status(root, error).type());
    if (!detector_.skips_path(root.string())) folders_.push_back(root);
    while (!folders_.empty() && !is_done_) {
      const fs::path folder = std::move(folders_.back());
      folders_.pop_back();
      list(folder);
    }
  }

 private:
  void list(const fs::path& folder) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    if (error) return scan_.problem(folder.string(), error.message());
    for (const fs::directory_iterator end; entries != end && !is_done_; entries.increment(error)) {
      if (scan_.is_cancelled()) throw Cancelled{};
      // As Go joins them: "./a" is "a".
      take((folder / entries->path().filename()).lexically_normal(),
           entries->symlink_status(error).type());
      if (error) scan_.problem(entries->path().string(), error.message());
    }
    if (error) scan_.problem(folder.string(), error.message());
  }

  void take(const fs::path& path, fs::file_type type) {
    if (type == fs::file_type::symlink) return take_link(path);
    if (type != fs::file_type::regular && type != fs::file_type::directory) return;
    if (detector_.skips_path(path.string())) return;
    if (type == fs::file_type::directory) {
      folders_.push_back(path);
    } else {
      is_done_ = !queue_.put({path.string(), ""});
    }
  }

  void take_link(const fs::path& path) {
    if (!scan_.options().follow_symlinks || detector_.skips_path(path.string())) return;
    std::error_code error;
    const fs::path real = resolved(path, error);
    if (error) return scan_.problem(path.string(), error.message());
    if (fs::is_regular_file(real, error)) is_done_ = !queue_.put({real.string(), path.string()});
  }

  Scan& scan_;
  Detector detector_;
  Queue& queue_;
  std::deque<fs::path> folders_;
  bool is_done_ = false;
};

void scan_file(Scan& scan, Worker& worker, const FileSink& sink, const Target& target) {
  // A pipe that took the file's place must not hold the scan.
  const fbx::common::Fd fd(::open(target.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct ::stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return scan.problem(target.path, reason(errno));
  if (!S_ISREG(info.st_mode) || info.st_size == 0) return;
  const int limit = scan.options().max_target_megabytes;
  if (limit > 0 && info.st_size > limit * kMegabyte) {
    worker.report().warnings.push_back(target.path + ": skipped, for it is too large");
    return;
  }
  ++worker.report().files;
  Fragment like;
  like.path = target.path;
  like.symlink = target.symlink;
  try {
    walk_file(reader_of(fd.get()), like, like.path, sink);
  } catch (const std::system_error& error) {
    scan.problem(target.path, error.code().message());
  }
}

}  // namespace

FileSink file_sink(Scan& scan, Worker& worker) {
  FileSink sink;
  sink.max_archive_depth = scan.options().max_archive_depth;
  sink.take = [&worker](const Fragment& fragment) { worker.take(fragment); };
  sink.skips = [&worker](const std::string& path) { return worker.detector().skips_path(path); };
  sink.too_deep = [&scan](const std::string& path) { scan.skipped_archive(path); };
  sink.failed = [&scan](const std::string& path, const std::string& why) {
    scan.problem(path, why);
  };
  return sink;
}

void scan_folder(Scan& scan, const DetectorOptions& options, const fs::path& root) {
  std::error_code error;
  if (!fs::exists(root, error))
    throw std::system_error(
        error ? error : std::make_error_code(std::errc::no_such_file_or_directory), root.string());
  Queue queue;
  const auto work = [&] {
    Worker worker(scan, options);
    const FileSink sink = file_sink(scan, worker);
    while (const auto target = queue.get()) scan_file(scan, worker, sink, *target);
  };
  // One more than the cores: the walk mostly waits for the others.
  on_threads(scan, thread_count(scan.options()) + 1, root.string(), [&](unsigned number) {
    try {
      if (number != 0) return work();
      FolderWalk(scan, options, queue).run(root);
      queue.close(false);
    } catch (...) {
      queue.close(true);
      throw;
    }
  });
}

void scan_stream(Scan& scan, const DetectorOptions& options, int fd) {
  on_threads(scan, 1, "stdin", [&](unsigned) {
    Worker worker(scan, options);
    for_each_chunk(reader_of(fd), {}, [&](const Fragment& fragment) { worker.take(fragment); });
  });
}

}  // namespace fusebox::scan
