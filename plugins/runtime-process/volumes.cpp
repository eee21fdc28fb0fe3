// SPDX-License-Identifier: Apache-2.0
#include "volumes.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fusebox/plugin.hpp>
#include <set>

#include "outline.hpp"
#include "request.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

struct Size {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
};

// A running server makes and removes files all the time: what vanishes does not count.
Size measure(const fs::path& folder, const Wait& wait) {
  Size size;
  std::set<std::pair<::dev_t, ::ino_t>> seen;  // hard links count once
  std::error_code error;
  fs::recursive_directory_iterator item(folder, fs::directory_options::skip_permission_denied,
                                        error);
  for (; item != fs::recursive_directory_iterator(); item.increment(error)) {
    if (error) break;
    struct ::stat status {};
    if (::lstat(item->path().c_str(), &status) != 0 || S_ISDIR(status.st_mode)) continue;
    ++size.files;
    if (status.st_nlink > 1 && !seen.emplace(status.st_dev, status.st_ino).second) continue;
    if (S_ISREG(status.st_mode)) size.bytes += static_cast<std::uint64_t>(status.st_size);
    if (size.files % 1024 == 0) wait.check("measuring " + folder.string());
  }
  return size;
}

// A service's volume has the service's name.
const Service& requested_volume(const Settings& settings, std::string_view text) {
  return settings.service(string_at(parse_request(text), "volume"));
}

fbx::common::FolderState state_of(std::string_view text) {
  return bool_at(parse_request(text), "live") ? fbx::common::FolderState::live
                                              : fbx::common::FolderState::still;
}

}  // namespace

fbx::common::ArchivePace pace_of(const Wait& wait, std::string what) {
  return [&wait, what = std::move(what)](int fd, short events) {
    if (fd < 0)
      wait.check(what);
    else
      wait.until(fd, events, steady_clock::time_point::max(), what);
  };
}

void require_stopped(const Settings& settings, const Service& service) {
  if (status_of(settings, service.name).state == State::running)
    throw fbx::Error(FBX_CONFLICT, fmt::format("service {} runs", service.name),
                     fmt::format("stop it first: fusebox stop {}", service.name));
}

std::string totals_json(const fbx::common::ArchiveTotals& totals) {
  return json::serialize(json::object{{"files", totals.files}, {"bytes", totals.bytes}});
}

std::string list_volumes(fbx::Op& op, const Settings& settings, std::string_view text) {
  json::array volumes;
  for (const Service* service : select(settings, strings_at(parse_request(text), "services"))) {
    const fs::path folder = settings.volume(service->name);
    if (!fs::exists(folder)) continue;
    const Size size = measure(folder, Wait(op));
    volumes.push_back({{"name", service->name},
                       {"service", service->name},
                       {"bytes", size.bytes},
                       {"files", size.files},
                       {"where", folder.string()}});
  }
  return json::serialize(json::object{{"volumes", std::move(volumes)}});
}

std::string export_volume(fbx::Op& op, const Settings& settings, std::string_view text, int fd) {
  const Service& service = requested_volume(settings, text);
  const fs::path folder = settings.volume(service.name);
  if (!fs::exists(folder))
    throw fbx::Error(FBX_NOT_FOUND, fmt::format("service {} has no data yet", service.name),
                     "bring it up first: fusebox up");
  const auto state = state_of(text);
  if (state == fbx::common::FolderState::still) require_stopped(settings, service);
  const Wait wait(op);
  const auto totals =
      fbx::common::write_archive(folder, fd, pace_of(wait, "exporting " + service.name), state);
  for (const std::string& name : totals.skipped)
    op.log(fbx::Level::info, fmt::format("left out the socket {}/{}", service.name, name));
  return totals_json(totals);
}

std::string import_volume(fbx::Op& op, const Settings& settings, std::string_view text, int fd) {
  const Service& service = requested_volume(settings, text);
  require_stopped(settings, service);
  const fs::path folder = settings.volume(service.name);
  const bool made = !fs::exists(folder);
  if (made) make_volume_folder(settings, service, folder);
  const Wait wait(op);
  try {
    return totals_json(
        fbx::common::extract_archive(fd, folder, pace_of(wait, "importing " + service.name)));
  } catch (...) {
    if (made) remove_tree(folder);
    throw;
  }
}

}  // namespace runtime_process
