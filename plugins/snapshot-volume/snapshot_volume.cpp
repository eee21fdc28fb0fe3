// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <functional>

#include "common/beside.hpp"
#include "common/io.hpp"
#include "common/json.hpp"
#include "common/transfer.hpp"
#include "tally.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;
using common::need_text;

// What GNU tar ends with when a file changed or went while it was read.
constexpr int kTarChanged = 1;
constexpr int kAttempts = 3;

std::string joined(const std::vector<std::string>& lines) {
  return fmt::format("{}", fmt::join(lines, "\n"));
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool is_broken_tar(const Error& error) { return error.rc() == FBX_FAILED; }

// Walks what `write` writes to the descriptor that it gets. What made the stream break off says
// more than that it did.
void walk_from(const Op& op, const std::function<void(int fd)>& write,
               const common::TarWalk& walk) {
  const auto done = common::transfer(
      [&](int fd) {
        write(fd);
        return std::string();
      },
      [&](int fd) {
        common::walk_tar(op, fd, walk);
        return std::string();
      });
  const auto& unread = done.reader.error;
  const auto& unwritten = done.writer.error;
  if (unread && !(unwritten && is_broken_tar(*unread))) throw *unread;
  if (unwritten) throw *unwritten;
}

// Throws FBX_FAILED for what differs from the manifest.
void require_counts(const json::object& request, const Tally& tally) {
  const auto* wanted = common::object_at(request, "counts");
  if (wanted == nullptr) return;
  const json::object have = tally.counts();
  for (const char* name : {"files", "bytes"}) {
    const auto number = common::integer_at(*wanted, name);
    if (number && *number != have.at(name).to_number<std::int64_t>())
      throw Error(FBX_FAILED,
                  fmt::format("the tar has {} {}, the manifest says {}",
                              have.at(name).to_number<std::int64_t>(), name, *number),
                  "use another generation");
  }
}

}  // namespace

class SnapshotVolume final : public Plugin, public Snapshot {
 public:
  explicit SnapshotVolume(std::string_view text) : context_(common::parse_context(text)) {}

  std::string sources(Op& op, std::string_view) override {
    const std::string file = fmt::format("{}.tar", volume());
    return json::serialize(json::object{
        {"sources",
         {{{"name", context_.instance},
           {"kind", "volume"},
           {"file", file},
           {"service", service()},
           {"order", common::need_integer(config(), "order")},
           {"pause", pauses()},
           {"offline", true},
           {"bytes", size(op)},
           {"by_hand",
            {fmt::format("zstd -dc {}.zst | tar -x --numeric-owner -C <the empty volume of {}>   "
                         "# as root, with the service stopped",
                         file, volume())}}}}}});
  }

  std::string capture(Op& op, std::string_view, int fd) override {
    json::object facts{{"mode", need_text(config(), "mode")}};
    const auto uncounted = texts_at("uncounted");
    if (!uncounted.empty()) facts["uncounted"] = joined(uncounted);
    Tally tally(uncounted);
    common::TarWalk walk;
    tally.watch(walk, true);
    const common::Stream out(op, fd, "capturing " + volume());
    walk.tee = [&](std::string_view bytes) { out.write(bytes); };
    bool changed = false;
    walk_from(
        op, [&](int pipe) { changed = write_tar(op, pipe, is_hot() && has_command()); }, walk);
    if (changed) facts["changed_meanwhile"] = true;
    return json::serialize(json::object{{"version", ""},
                                        {"counts", tally.counts()},
                                        {"digests", tally.digests()},
                                        {"facts", facts}});
  }

  std::string inspect(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to inspect a volume");
    Tally tally(uncounted_of(request));
    common::TarWalk walk;
    tally.watch(walk, false);
    common::walk_tar(op, fd, walk);
    require_counts(request, tally);
    return json::serialize(json::object{
        {"checked", fmt::format("{} files, {} bytes in a tar", tally.files(), tally.bytes())}});
  }

  // The stream is looked at on its way to the runtime.
  std::string stage(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to stage a volume");
    const std::string ask = json::serialize(
        json::object{{"volume", volume()}, {"tag", common::need_text(request, "tag")}});
    Tally tally(uncounted_of(request));
    const auto done = common::transfer(
        [&](int pipe) {
          const common::Stream out(op, pipe, "staging " + volume());
          common::TarWalk walk;
          tally.watch(walk, false);
          walk.tee = [&](std::string_view bytes) { out.write(bytes); };
          common::walk_tar(op, fd, walk);
          return std::string();
        },
        [&](int pipe) { return op.runtime().volume_stage(ask, pipe); });
    const auto& unread = done.writer.error;
    const auto& unstaged = done.reader.error;
    if (unstaged && !(unread && is_broken_tar(*unread))) throw *unstaged;
    try {
      if (unread) throw *unread;
      const auto staged = common::parse_object(done.reader.answer, "the runtime's answer");
      if (common::need_integer(staged, "files") < static_cast<std::int64_t>(tally.files()))
        throw Error(FBX_FAILED,
                    fmt::format("the runtime unpacked {} of {} files",
                                common::need_integer(staged, "files"), tally.files()),
                    "use another generation");
      require_counts(request, tally);
    } catch (...) {
      if (!unstaged) turn_to(op, request, "old");
      throw;
    }
    return json::serialize(json::object{{"counts", tally.counts()}});
  }

  std::string turn(Op& op, std::string_view text) override {
    const auto request = common::parse_object(text, "the request to turn a volume");
    turn_to(op, request, common::need_text(request, "to"));
    return "{}";
  }

  std::string count(Op& op, std::string_view text) override {
    const auto request = common::parse_object(text, "the request to count a volume");
    const bool with_digests = common::boolean_at(request, "digests").value_or(false);
    const bool runs = service_runs(op);
    if (runs && !has_command() && !is_hot())
      throw Error(FBX_CONFLICT,
                  fmt::format("{} cannot be counted while {} runs", context_.instance, service()),
                  "stop it, or set `command`, which reads its files beside it");
    for (int attempt = 1;; ++attempt) try {
        Tally tally(uncounted_of(request));
        common::TarWalk walk;
        tally.watch(walk, with_digests);
        walk_from(
            op, [&](int pipe) { write_tar(op, pipe, runs && has_command()); }, walk);
        json::object answer{{"counts", tally.counts()}};
        if (with_digests) answer["digests"] = tally.digests();
        return json::serialize(answer);
      } catch (const Error& error) {
        if (error.rc() != FBX_UNAVAILABLE || attempt == kAttempts) throw;
      }
  }

 private:
  const json::object& config() const { return context_.config; }
  std::string volume() const { return need_text(config(), "volume"); }
  std::string service() const { return common::text_at(config(), "service").value_or(volume()); }

  json::array pauses() const {
    const auto* list = common::array_at(config(), "pause");
    return list == nullptr ? json::array{} : *list;
  }

  std::vector<std::string> texts_at(std::string_view key) const {
    std::vector<std::string> texts;
    if (const auto* list = common::array_at(config(), key))
      for (const json::value& item : *list) texts.emplace_back(item.as_string());
    return texts;
  }

  // As it was when the stream was captured: only then can the numbers be compared.
  std::vector<std::string> uncounted_of(const json::object& request) const {
    const auto* facts = common::object_at(request, "facts");
    if (facts == nullptr) return texts_at("uncounted");
    return split(common::text_at(*facts, "uncounted").value_or(""));
  }

  void turn_to(const Op& op, const json::object& request, const std::string& to) const {
    const std::string turn = json::serialize(
        json::object{{"volume", volume()}, {"tag", common::need_text(request, "tag")}, {"to", to}});
    common::answer_of([&] { return op.runtime().volume_turn(turn); });
  }

  // Throws FBX_SKIPPED for an optional service that cannot run here.
  std::int64_t size(const Op& op) const {
    const json::object answer = common::answer_of([&] {
      return op.runtime().volumes(json::serialize(json::object{{"services", {service()}}}));
    });
    if (const auto* list = common::array_at(answer, "volumes"))
      for (const json::value& item : *list)
        if (item.is_object() && common::text_at(item.get_object(), "name") == volume())
          return common::integer_at(item.get_object(), "bytes").value_or(0);
    common::answer_of([&] {
      return op.runtime().endpoint(
          json::serialize(json::object{{"service", service()}, {"port", 0}}));
    });
    return 0;
  }

  bool service_runs(const Op& op) const {
    const json::object answer = common::answer_of([&] {
      return op.runtime().services(json::serialize(json::object{{"services", {service()}}}));
    });
    if (const auto* list = common::array_at(answer, "services"))
      for (const json::value& item : *list)
        if (item.is_object() && common::text_at(item.get_object(), "name") == service())
          return common::text_at(item.get_object(), "state") == "running";
    return false;
  }

  bool is_hot() const { return need_text(config(), "mode") == "hot"; }
  bool has_command() const { return !texts_at("command").empty(); }

  // The command beside the service, or the runtime's own tar. While the service runs, both are
  // right only for data whose files are written once and renamed into place, as an object store's
  // are: one that goes meanwhile is no part of the stream. True when the command tells of such a
  // one.
  bool write_tar(const Op& op, int fd, bool beside) const {
    if (!beside) {
      const json::object request{{"volume", volume()}, {"live", is_hot()}};
      common::answer_of([&] { return op.runtime().volume_export(json::serialize(request), fd); });
      return false;
    }
    const common::Program tar{service(), texts_at("command"), {}, {}, -1};
    const common::Finished finished = common::stream_beside(op, tar, fd);
    if (finished.exit_code != kTarChanged)
      common::require_success(finished, fmt::format("tar beside {}", service()),
                              "check that the service runs and has the folder");
    return finished.exit_code == kTarChanged;
  }

  common::Context context_;
};

}  // namespace fbx::snapshot

FUSEBOX_PLUGIN(fbx::snapshot::SnapshotVolume)
