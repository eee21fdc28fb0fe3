// SPDX-License-Identifier: Apache-2.0
#include "common/compose_runtime/volume_io.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/http.hpp"
#include "common/pipe_signal.hpp"

namespace fbx::compose_runtime {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours forever{24 * 365};

class Transfer {
 public:
  Transfer(docker::Engine& engine, std::string what)
      : engine_(engine), what_(std::move(what)), deadline_(engine.op(), forever) {}

  // From the engine.
  std::string_view pull(docker::Stream& stream) {
    stream.consume(given_);
    given_ = 0;
    while (stream.bytes().empty()) {
      if (stream.ended()) {
        stream.check();
        return {};
      }
      turn();
    }
    count(stream.bytes().size());
    given_ = stream.bytes().size();
    return stream.bytes();
  }

  // To the engine; throws what it says when it refuses.
  void push(docker::Stream& stream, std::string_view bytes) {
    while (!stream.hungry()) {
      check_answer(stream);
      turn();
    }
    check_answer(stream);
    stream.feed(bytes);
  }

  void finish(docker::Stream& stream) {
    stream.finish();
    while (!stream.ended()) turn();
    check_answer(stream);
    stream.check();
  }

  std::string_view read(int fd) {
    for (;;) {
      wait(fd, common::Wait::read);
      const ssize_t got = ::read(fd, buffer_.data(), buffer_.size());
      if (got >= 0) {
        count(static_cast<std::size_t>(got));
        return {buffer_.data(), static_cast<std::size_t>(got)};
      }
      if (errno != EINTR && errno != EAGAIN)
        throw Error(FBX_IO, fmt::format("cannot read the stream while {}: {}", what_,
                                        std::generic_category().message(errno)));
    }
  }

  void write(int fd, std::string_view bytes) {
    struct ::stat status {};
    const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    while (!bytes.empty()) {
      wait(fd, common::Wait::write);
      const common::PipeSignalGuard guard;
      // A pipe that is ready has room for this much; more might block past a cancellation.
      const auto piece = regular ? bytes.size() : std::min<std::size_t>(bytes.size(), 4096);
      const ssize_t written = ::write(fd, bytes.data(), piece);
      if (written >= 0)
        bytes.remove_prefix(static_cast<std::size_t>(written));
      else if (errno != EINTR && errno != EAGAIN)
        throw Error(FBX_IO, fmt::format("cannot write the stream while {}: {}", what_,
                                        std::generic_category().message(errno)));
    }
  }

 private:
  void count(std::size_t bytes) {
    moved_ += bytes;
    engine_.op().progress(moved_, 0, "bytes", what_);
  }
  void turn() {
    expire();
    engine_.transfers().turn(deadline_);
  }
  void wait(int fd, common::Wait what) {
    if (deadline_.wait(fd, what) == common::Ready::timed_out) expire();
  }
  void expire() const {
    if (deadline_.passed())
      throw Error(FBX_TIMEOUT, fmt::format("deadline passed while {}", what_),
                  "raise the step's timeout in the config if it only needs longer");
  }
  void check_answer(docker::Stream& stream) {
    if (stream.answered()) engine_.check_status(stream);
    if (stream.ended()) stream.check();
  }

  docker::Engine& engine_;
  std::string what_;
  common::Deadline deadline_;
  std::array<char, 65536> buffer_{};
  std::size_t given_ = 0;
  std::uint64_t moved_ = 0;
};

std::string archive_path(const std::string& container, const fs::path& path) {
  return fmt::format("/containers/{}/archive?path={}", container,
                     common::url_encode(path.string()));
}

// What is below a place, without a slash at the end; nothing when the place is not there.
std::optional<docker::Stream> open_archive(docker::Engine& engine, const std::string& container,
                                           const fs::path& path) {
  try {
    return engine.open("GET", archive_path(container, path));
  } catch (const docker::EngineError& e) {
    if (e.status() == 404) return std::nullopt;
    throw;
  }
}

}  // namespace

common::ArchiveTotals export_through(docker::Engine& engine, const Carrier& carrier, int fd,
                                     const std::string& what) {
  docker::Stream stream = engine.open("GET", archive_path(carrier.id(), carrier.folder()));
  Transfer transfer(engine, what);
  return common::copy_archive({[&] { return transfer.pull(stream); },
                               [&](std::string_view bytes) { transfer.write(fd, bytes); }, true, "",
                               std::string(beside_folder)});
}

common::ArchiveTotals fill(docker::Engine& engine, const Carrier& carrier, const std::string& below,
                           int fd, const std::string& what) {
  const fs::path folder = carrier.folder();
  docker::Stream stream =
      engine.open("PUT", archive_path(carrier.id(), folder.parent_path()), "application/x-tar");
  Transfer transfer(engine, what);
  // Under its own name and from the folder above, so that the folder's owner and mode are set too.
  const fs::path place = below.empty() ? folder.filename() : folder.filename() / below;
  auto totals = common::copy_archive({[&] { return transfer.read(fd); },
                                      [&](std::string_view bytes) { transfer.push(stream, bytes); },
                                      false, place.string(), std::string(beside_folder)});
  transfer.finish(stream);
  return totals;
}

void put_entries(docker::Engine& engine, const std::string& container, const std::string& folder,
                 const std::vector<common::SmallEntry>& entries) {
  docker::Stream stream = engine.open("PUT", archive_path(container, folder), "application/x-tar");
  Transfer transfer(engine, "writing to a volume");
  transfer.push(stream, common::small_archive(entries));
  transfer.finish(stream);
}

std::optional<common::ArchiveRoot> look_into(docker::Engine& engine, const std::string& container,
                                             const std::string& path) {
  auto stream = open_archive(engine, container, path);
  if (!stream) return std::nullopt;
  Transfer transfer(engine, "looking into a volume");
  return common::read_archive_root([&] { return transfer.pull(*stream); });
}

std::optional<std::string> read_file(docker::Engine& engine, const std::string& container,
                                     const std::string& path) {
  auto stream = open_archive(engine, container, path);
  if (!stream) return std::nullopt;
  Transfer transfer(engine, "reading from a volume");
  return common::read_small_file([&] { return transfer.pull(*stream); });
}

std::string read_output(docker::Engine& engine, const std::string& container) {
  docker::Stream stream =
      engine.open("GET", fmt::format("/containers/{}/logs?stdout=1&stderr=1&tail=3", container));
  Transfer transfer(engine, "reading a script's output");
  std::string out;
  for (auto bytes = transfer.pull(stream); !bytes.empty(); bytes = transfer.pull(stream))
    out += bytes;
  return out;
}

std::string totals_json(const common::ArchiveTotals& totals) {
  return json::serialize(json::object{{"files", totals.files}, {"bytes", totals.bytes}});
}

}  // namespace fbx::compose_runtime
