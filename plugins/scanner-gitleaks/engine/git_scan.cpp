// SPDX-License-Identifier: Apache-2.0
#include "engine/git_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "engine/archive_walk.hpp"
#include "engine/folder_scan.hpp"
#include "engine/link.hpp"
#include "engine/patch_reader.hpp"

namespace fusebox::scan {

namespace {

constexpr std::size_t kBlock = std::size_t{256} << 10U;
constexpr std::size_t kFewCommits = 200;  // more git than one would only cost

// What a user's configuration may change so that a patch reads otherwise, or not at all.
constexpr std::array kSettings = {"color.ui=false",
                                  "core.fsmonitor=false",
                                  "core.quotePath=false",
                                  "diff.noprefix=false",
                                  "diff.mnemonicPrefix=false",
                                  "diff.renames=true",
                                  "diff.relative=false",
                                  "diff.interHunkContext=0",
                                  "diff.submodule=short",
                                  "diff.suppressBlankEmpty=false",
                                  "log.showRoot=true",
                                  "log.showSignature=false",
                                  "log.follow=false",
                                  "diff.algorithm=default"};

const std::vector<std::string> kPatch = {"-U0",           "--no-color",      "--no-ext-diff",
                                         "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/"};
const std::vector<std::string> kLog = {"log",
                                       "-p",
                                       "--pretty=medium",
                                       "--date=raw",
                                       "--no-decorate",
                                       "--encoding=UTF-8",
                                       "--no-show-signature"};

std::vector<std::string> joined(std::initializer_list<std::vector<std::string>> lists) {
  std::vector<std::string> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

bool is_harmless(std::string_view line) {
  constexpr std::array<std::string_view, 5> known = {
      "exhaustive rename detection was skipped", "inexact rename detection was skipped",
      "you may want to set your diff.renameLimit", "See \"git help gc\" for manual housekeeping",
      "Auto packing the repository in background for optimum performance"};
  return std::any_of(known.begin(), known.end(), [&](std::string_view text) {
    return line.find(text) != std::string_view::npos;
  });
}

// The first line that tells of an error.
std::string complaint(std::string_view text) {
  while (!text.empty()) {
    const std::size_t feed = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, feed);
    if (!line.empty() && !is_harmless(line)) return std::string(line);
    text.remove_prefix(std::min(feed + 1, text.size()));
  }
  return "";
}

// Dealt out in turn: neighbours in a history are about equally expensive.
std::vector<std::string> dealt(std::string_view lines, unsigned hands) {
  std::vector<std::string> lists(hands);
  for (unsigned turn = 0; !lines.empty(); turn = (turn + 1) % hands) {
    const std::size_t feed = std::min(lines.find('\n'), lines.size());
    lists[turn] += lines.substr(0, feed);
    lists[turn] += '\n';
    lines.remove_prefix(std::min(feed + 1, lines.size()));
  }
  return lists;
}

}  // namespace

GitScan::GitScan(Scan& scan, DetectorOptions options, const std::filesystem::path& repository,
                 const StartProgram& start)
    : scan_(scan), options_(std::move(options)), repository_(repository.string()), start_(start) {
  if (repository_.empty()) repository_ = ".";
}

std::vector<std::string> GitScan::command(const std::vector<std::string>& words) const {
  std::vector<std::string> all = {"git", "-C", repository_};
  for (const char* setting : kSettings) {
    all.emplace_back("-c");
    all.emplace_back(setting);
  }
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

// True when it went well. git warns of what it left out, so what it says counts as much as its
// code.
bool GitScan::judge(const std::vector<std::string>& words, const Program::End& end) {
  const std::string error = complaint(end.err);
  if (end.exit_code == 0 && error.empty()) return true;
  scan_.problem(fmt::format("git {} in {}", words.front(), repository_),
                error.empty() ? fmt::format("it ended with {}", end.exit_code) : error);
  return false;
}

std::string GitScan::output(const std::vector<std::string>& words, bool may_fail) {
  const auto program = start_(command(words), "");
  std::string text;
  std::vector<char> block(kBlock);
  for (std::size_t got = program->read(block); got > 0; got = program->read(block))
    text.append(block.data(), got);
  const Program::End end = program->wait();
  if (may_fail ? end.exit_code == 0 : judge(words, end)) return text;
  return "";
}

void GitScan::find_remote() {
  if (scan_.options().platform == "none") return;
  const std::string url = output({"ls-remote", "--quiet", "--get-url"}, true);
  options_.remote = std::make_shared<Remote>(parse_remote(url, scan_.options().platform));
}

void GitScan::diff(const std::vector<std::string>& options) {
  on_threads(scan_, 1, repository_, [&](unsigned) {
    read_patch(joined({{"diff"}, kPatch, options, {"."}}), "");
  });
}

void GitScan::log(const std::vector<std::string>& options) {
  on_threads(scan_, 1, repository_, [&](unsigned) {
    find_remote();
    read_patch(joined({kLog, kPatch, options}), "");
  });
}

void GitScan::commits(const std::vector<std::string>& revisions,
                      const std::vector<std::string>& options) {
  std::string list;
  on_threads(scan_, 1, repository_, [&](unsigned) {
    find_remote();
    list = output(joined({{"rev-list"}, revisions}), false);
  });
  const auto count = static_cast<std::size_t>(std::count(list.begin(), list.end(), '\n'));
  const unsigned hands = count < kFewCommits ? 1 : thread_count(scan_.options());
  const auto lists = dealt(list, hands);
  const auto words = joined({kLog, kPatch, options, {"--no-walk=unsorted", "--stdin"}});
  if (count == 0) return;
  on_threads(scan_, hands, repository_, [&](unsigned number) { read_patch(words, lists[number]); });
}

void GitScan::read_patch(const std::vector<std::string>& words, std::string stdin_text) {
  Worker worker(scan_, options_);
  std::set<const CommitInfo*> seen;
  std::string last;
  PatchSink sink;
  sink.take = [&](const Fragment& fragment) {
    if (fragment.commit != nullptr && fragment.commit->sha != last) {
      last = fragment.commit->sha;
      ++worker.report().commits;
    }
    worker.take(fragment);
  };
  sink.binary = [&](const std::string& file, const std::shared_ptr<const CommitInfo>& commit) {
    if (archive_name(file).is_archive()) scan_blob(worker, file, commit);
  };
  sink.broken = [&](const std::string& where, const std::string& why) {
    scan_.problem(where, why);
  };
  PatchReader reader(std::move(sink));
  const auto program = start_(command(words), std::move(stdin_text));
  std::vector<char> block(kBlock);
  for (std::size_t got = program->read(block); got > 0; got = program->read(block))
    reader.add({block.data(), got});
  reader.finish();
  judge(words, program->wait());
}

void GitScan::scan_blob(Worker& worker, const std::string& file,
                        const std::shared_ptr<const CommitInfo>& commit) {
  if (scan_.options().max_archive_depth == 0) return scan_.skipped_archive(file);
  const std::vector<std::string> words = {
      "cat-file", "blob", fmt::format("{}:{}", commit == nullptr ? "" : commit->sha, file)};
  const auto program = start_(command(words), "");
  FileSink sink = file_sink(scan_, worker);
  Fragment like;
  like.path = file;
  like.commit = commit;
  walk_file(
      [&](char* to, std::size_t room) {
        std::size_t have = 0;
        while (have < room) {
          const std::size_t got = program->read({to + have, room - have});
          if (got == 0) break;
          have += got;
        }
        return have;
      },
      like, file, sink);
  std::vector<char> block(kBlock);
  while (program->read(block) > 0) continue;
  judge(words, program->wait());
}

}  // namespace fusebox::scan
