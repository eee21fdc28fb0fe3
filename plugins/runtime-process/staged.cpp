// SPDX-License-Identifier: Apache-2.0
#include "staged.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fusebox/plugin.hpp>

#include "lifecycle.hpp"
#include "request.hpp"
#include "volumes.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

constexpr std::size_t max_tag = 40;

// A link that leads nowhere is there, too.
bool is_there(const fs::path& path) {
  struct ::stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

void move(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error = errno;
    throw fbx::Error(
        FBX_IO,
        fmt::format("cannot move {} to {}: {}", from.string(), to.string(), errno_text(error)),
        error == EXDEV || error == EBUSY
            ? "a service's data must be a folder of data_dir itself, no mount point"
            : "check the permissions of the data folder");
  }
  sync_folder(from.parent_path());
  sync_folder(to.parent_path());
}

// All that was unpacked, before a rename says that it is whole.
void sync_content(const fs::path& folder) {
#if defined(__linux__)
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::syncfs(fd.get()) != 0)
    throw fbx::Error(FBX_IO,
                     fmt::format("cannot bring {} to disk: {}", folder.string(), errno_text(errno)),
                     "check the disk");
#else
  (void)folder;
  ::sync();
#endif
}

class Staged {
 public:
  Staged(const Settings& settings, const Service& service, std::string tag)
      : settings_(settings),
        service_(service),
        tag_(std::move(tag)),
        live_(settings.volume(service.name)),
        dir_(staged_dir(settings, service.name) / tag_) {}

  fbx::common::ArchiveTotals stage(const Wait& wait, int fd) const {
    if (turned() || is_there(gone()))
      throw fbx::Error(
          FBX_CONFLICT,
          fmt::format("the content of {} under tag {} is live already", service_.name, tag_),
          "turn it back first, or use another tag");
    discard();
    make_volume_folder(settings_, service_, part());
    try {
      auto totals = fbx::common::extract_archive(
          fd, part(), pace_of(wait, fmt::format("staging {}", service_.name)));
      sync_content(part());
      move(part(), fresh());
      sync_folder(dir_.parent_path());
      return totals;
    } catch (...) {
      forget();
      throw;
    }
  }

  void to_new() const {
    if (is_there(gone())) refuse_settled();
    if (turned() && !is_there(fresh())) {
      if (is_there(live_)) return;
      throw fbx::Error(FBX_NOT_FOUND,
                       fmt::format("the content of {} under tag {} is gone", service_.name, tag_),
                       "turn it back to the old");
    }
    if (!is_there(fresh()))
      throw fbx::Error(FBX_NOT_FOUND,
                       fmt::format("nothing is staged for {} under tag {}", service_.name, tag_),
                       "stage it first");
    require_stopped(settings_, service_);
    if (!turned()) {
      if (is_there(live_)) {
        move(live_, old());
      } else {
        make_folders(none(), 0700);
        sync_folder(dir_);
      }
    }
    refuse_stranger();
    move(fresh(), live_);
  }

  void to_old() const {
    if (is_there(gone())) refuse_settled();
    if (turned()) {
      require_stopped(settings_, service_);
      if (is_there(fresh()))
        refuse_stranger();
      else if (is_there(live_))
        move(live_, fresh());
      if (is_there(old())) {
        move(old(), live_);
      } else {
        remove_tree(none());
        sync_folder(dir_);
      }
    }
    forget();
  }

  void settle() const {
    if (is_there(fresh()) || (turned() && !is_there(live_)))
      throw fbx::Error(
          FBX_CONFLICT,
          fmt::format("the content of {} under tag {} is not live", service_.name, tag_),
          "turn it to the new first, or back to the old");
    if (turned()) move(is_there(old()) ? old() : none(), gone());
    remove_tree(gone());
    forget();
  }

 private:
  fs::path part() const { return dir_ / "part"; }
  fs::path fresh() const { return dir_ / "new"; }
  fs::path old() const { return dir_ / "old"; }
  fs::path none() const { return dir_ / "none"; }
  fs::path gone() const { return dir_ / "gone"; }
  bool turned() const { return is_there(old()) || is_there(none()); }

  // What is staged and not live. As `part` it counts for nothing from the first file on.
  void discard() const {
    remove_tree(part());
    if (!is_there(fresh())) return;
    move(fresh(), part());
    remove_tree(part());
  }

  void forget() const {
    discard();
    std::error_code not_empty;
    fs::remove(dir_, not_empty);
    fs::remove(dir_.parent_path(), not_empty);
    fs::remove(dir_.parent_path().parent_path(), not_empty);
  }

  // On its way, so nothing is live; what is there came from elsewhere and must not be covered.
  void refuse_stranger() const {
    if (!is_there(live_)) return;
    throw fbx::Error(FBX_CONFLICT,
                     fmt::format("{} was made while the content of {} was being turned",
                                 live_.string(), service_.name),
                     fmt::format("look at it, then move it away: {}", live_.string()));
  }

  [[noreturn]] void refuse_settled() const {
    throw fbx::Error(
        FBX_CONFLICT,
        fmt::format("the old content of {} under tag {} is being removed", service_.name, tag_),
        "settle it: there is no way back");
  }

  const Settings& settings_;
  const Service& service_;
  std::string tag_;
  fs::path live_;
  fs::path dir_;
};

Staged requested(const Settings& settings, const json::object& request) {
  const Service& service = settings.service(string_at(request, "volume"));
  std::string tag = string_at(request, "tag");
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (tag.empty() || tag.size() > max_tag || !std::all_of(tag.begin(), tag.end(), plain))
    throw fbx::Error(FBX_ARGUMENT, fmt::format("\"{}\" is no tag", tag),
                     "a tag is made of lower-case letters and digits, at most 40");
  return {settings, service, std::move(tag)};
}

}  // namespace

std::string stage_volume(fbx::Op& op, const Settings& settings, std::string_view text, int fd) {
  return totals_json(requested(settings, parse_request(text)).stage(Wait(op), fd));
}

std::string turn_volume(fbx::Op&, const Settings& settings, std::string_view text) {
  const json::object request = parse_request(text);
  const Staged staged = requested(settings, request);
  const std::string to = string_at(request, "to");
  if (to == "new")
    staged.to_new();
  else if (to == "old")
    staged.to_old();
  else if (to == "settled")
    staged.settle();
  else
    throw fbx::Error(FBX_ARGUMENT, fmt::format("a volume cannot be turned to \"{}\"", to),
                     "turn it to new, old or settled");
  return "{}";
}

fs::path staged_dir(const Settings& settings, std::string_view service) {
  return settings.data_dir / ".staged" / service;
}

std::vector<std::string> staged_volumes(const Settings& settings) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& item : fs::directory_iterator(settings.data_dir / ".staged", none))
    names.push_back(item.path().filename().string());
  return names;
}

std::string interrupted_turn(const Settings& settings, std::string_view service) {
  if (is_there(settings.volume(service))) return {};
  std::error_code none;
  for (const auto& tag : fs::directory_iterator(staged_dir(settings, service), none))
    if (is_there(tag.path() / "old") || is_there(tag.path() / "none"))
      return tag.path().filename().string();
  return {};
}

}  // namespace runtime_process
