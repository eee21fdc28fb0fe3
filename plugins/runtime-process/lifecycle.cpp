// SPDX-License-Identifier: Apache-2.0
#include "lifecycle.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ready.hpp"
#include "scratch.hpp"
#include "staged.hpp"

namespace runtime_process {
namespace {

// How long a shim may take from its start until its service is on record.
constexpr std::chrono::seconds settle_time{15};

void make_owned_folder(const fs::path& folder, const Account& account) {
  make_folders(folder, 0700);
  if (account.drop && ::chown(folder.c_str(), account.uid, account.gid) != 0)
    throw fbx::Error(FBX_IO,
                     fmt::format("cannot give {} to user {}: {}", folder.string(), account.name,
                                 errno_text(errno)),
                     "choose a data_dir on a file system that has owners");
}

// Others' services must be able to pass through to their own folder, but not to list it.
void make_base(const fs::path& data_dir) {
  make_folders(data_dir, ::geteuid() == 0 ? 0711 : 0700);
  make_folders(data_dir / ".run", ::geteuid() == 0 ? 0711 : 0700);
}

void write_files(const Definition& definition) {
  for (const auto& [name, text] : definition.files) {
    const fs::path file = definition.run_dir / name;
    write_file_atomic(file, text, 0600);
    if (definition.account.drop)
      if (::chown(file.c_str(), definition.account.uid, definition.account.gid) != 0)
        throw fbx::Error(FBX_IO, fmt::format("cannot give {} to user {}: {}", file.string(),
                                             definition.account.name, errno_text(errno)));
  }
}

std::vector<std::string> names_in(const fs::path& folder, std::string_view extension) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& item : fs::directory_iterator(folder, ignored))
    if (item.path().extension() == extension) names.push_back(item.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

fs::path stopping_file(const Settings& settings, std::string_view service) {
  return settings.state_dir / "services" / fmt::format("{}.stopping", service);
}

// A shim that is on its way puts its service on record or ends; until then nobody can tell.
std::optional<Record> settle(const Settings& settings, const std::string& service) {
  const auto deadline = steady_clock::now() + settle_time;
  for (;;) {
    auto record = read_record(settings.state_dir, service);
    if (record && (record->running() || record->shim_alive())) return record;
    const fs::path lock = lock_file(settings.state_dir, service);
    if (::access(lock.c_str(), F_OK) != 0 || try_lock(lock))
      return read_record(settings.state_dir, service);
    if (steady_clock::now() > deadline)
      throw fbx::Error(
          FBX_TIMEOUT,
          fmt::format("service {} has been starting for over {}s", service, settle_time.count()),
          "look for its fusebox-shim process");
    ::poll(nullptr, 0, 10);
  }
}

// Not the op's wait: what was begun to stop is stopped, also when the operator cancelled.
bool wait_gone(const Record& record, milliseconds time) {
  const auto deadline = steady_clock::now() + time;
  while (record.running()) {
    if (steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

void wait_shim_gone(const Record& record, milliseconds time = milliseconds(5000)) {
  const auto deadline = steady_clock::now() + time;
  while (record.shim_alive() && steady_clock::now() < deadline) ::poll(nullptr, 0, 2);
}

// The lock of a service that is about to start. A shim that has just ended may hold it for a moment
// more.
Fd lock_for_start(const Settings& settings, const std::string& service) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(2);
  for (;;) {
    if (auto lock = try_lock(lock_file(settings.state_dir, service))) return std::move(*lock);
    if (steady_clock::now() > deadline)
      throw fbx::Error(FBX_CONFLICT,
                       fmt::format("service {} is being started or stopped already", service),
                       "wait for the other command, then try again");
    ::poll(nullptr, 0, 5);
  }
}

void run_init(const Scene& scene, const Service& service, const fs::path& folder) {
  Definition definition = resolve_init(scene.settings, service, folder);
  definition.service = service.name + ".init";
  const auto started = steady_clock::now();
  start_service(scene, definition);
  const std::string what = fmt::format("initialising {}", service.name);
  for (;;) {
    const auto record = read_record(scene.settings.state_dir, definition.service);
    if (record && record->exit_code) {
      if (*record->exit_code == 0) break;
      throw fbx::Error(
          FBX_FAILED,
          fmt::format("{}: its init ended with code {}", service.name, *record->exit_code),
          "last lines of its log:\n" + last_lines(definition.log_file, 10));
    }
    if (steady_clock::now() - started > service.init->timeout) {
      stop_service(scene, definition.service);
      throw fbx::Error(
          FBX_TIMEOUT,
          fmt::format("{}: its init took longer than {}", service.name,
                      format_duration(service.init->timeout)),
          "raise init.timeout; last lines of its log:\n" + last_lines(definition.log_file, 10));
    }
    try {
      scene.wait.pause(milliseconds(10), what);
    } catch (const fbx::Error&) {
      stop_service(scene, definition.service);
      throw;
    }
  }
  forget_service(scene.settings, definition.service);
  if (!fs::exists(folder / service.init->creates))
    throw fbx::Error(
        FBX_FAILED,
        fmt::format("{}: its init ended well but made no {}", service.name, service.init->creates),
        "mend init.command or init.creates in the config");
}

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::missing:
      return "missing";
    case State::created:
      return "created";
    case State::running:
      return "running";
    case State::exited:
      return "exited";
  }
  return "missing";
}

Status status_of(const Settings& settings, std::string_view service) {
  Status status{State::missing, read_record(settings.state_dir, service)};
  if (status.record && !status.record->exit_code && !status.record->running()) {
    wait_shim_gone(*status.record, milliseconds(1000));
    status.record = read_record(settings.state_dir, service);
  }
  if (status.record)
    status.state = status.record->running() ? State::running : State::exited;
  else if (fs::exists(settings.volume(service)))
    status.state = State::created;
  return status;
}

bool is_stopping(const Settings& settings, std::string_view service) {
  return fs::exists(stopping_file(settings, service));
}

std::vector<std::string> recorded_services(const Settings& settings) {
  return names_in(settings.state_dir / "services", ".json");
}

void start_service(const Scene& scene, const Definition& definition) {
  make_folders(scene.settings.state_dir / "services", 0700);
  make_folders(definition.log_file.parent_path(), 0700);
  make_base(scene.settings.data_dir);
  const Fd lock = lock_for_start(scene.settings, definition.service);
  make_owned_folder(definition.run_dir, definition.account);
  write_files(definition);
  remove_tree(stopping_file(scene.settings, definition.service));
  Record record;
  record.run = scene.run;
  record.definition = definition;
  record.hash = definition.hash();
  start_in_background(scene.wait.op(), scene.settings.state_dir, record, lock, scene.wait);
}

bool stop_service(const Scene& scene, const std::string& service) {
  const auto record = settle(scene.settings, service);
  if (!record) return false;
  if (!record->running()) {
    wait_shim_gone(*record);
    return false;
  }
  write_file_atomic(stopping_file(scene.settings, service), scene.run);
  signal_process(record->process, signal_number(record->definition.stop_signal));
  if (!wait_gone(*record, record->definition.stop_grace)) {
    scene.wait.op().log(fbx::Level::warn,
                        fmt::format("{} did not stop within {}: killing it", service,
                                    format_duration(record->definition.stop_grace)));
    signal_group(record->process, SIGKILL);
    if (!wait_gone(*record, milliseconds(10'000)))
      throw fbx::Error(FBX_TIMEOUT,
                       fmt::format("{} (process {}) is still there 10s after SIGKILL", service,
                                   record->process.pid),
                       "it hangs in the kernel, mostly on a dead disk or network share");
  }
  wait_shim_gone(*record);
  return true;
}

void forget_service(const Settings& settings, std::string_view service) {
  remove_tree(record_file(settings.state_dir, service));
  remove_tree(lock_file(settings.state_dir, service));
  remove_tree(stopping_file(settings, service));
}

void wait_ready(const Scene& scene, const Definition& definition) {
  const auto started = steady_clock::now();
  const std::string what = fmt::format("waiting for {}", definition.service);
  const auto explain = [&](std::string text) {
    return fbx::Error(FBX_UNAVAILABLE, std::move(text),
                      "last lines of its log:\n" + last_lines(definition.log_file, 10));
  };
  ReadyCheck check(definition, scene.wait);
  for (;;) {
    const Status status = status_of(scene.settings, definition.service);
    if (status.state != State::running) {
      const auto code = status.record ? status.record->exit_code : std::nullopt;
      throw explain(fmt::format("{} ended{} after {}", definition.service,
                                code ? fmt::format(" with code {}", *code) : "",
                                format_duration(std::chrono::duration_cast<milliseconds>(
                                    steady_clock::now() - started))));
    }
    const auto reason = check.run(milliseconds(2000));
    if (!reason) return;
    if (steady_clock::now() - started > definition.ready.timeout)
      throw explain(fmt::format("{} was not ready within {}: {}", definition.service,
                                format_duration(definition.ready.timeout), *reason));
    scene.wait.pause(definition.ready.interval, what);
  }
}

std::string last_lines(const fs::path& log_file, std::size_t count) {
  std::optional<std::string> text;
  try {
    text = read_file(log_file);
  } catch (const fbx::Error&) {
    return "(its log cannot be read)";
  }
  if (!text || text->empty()) return "(its log is empty)";
  std::string_view rest(*text);
  if (rest.ends_with('\n')) rest.remove_suffix(1);
  std::size_t start = rest.size();
  for (; count > 0 && start != std::string_view::npos && start > 0; --count)
    start = rest.rfind('\n', start - 1);
  return std::string(rest.substr(start == std::string_view::npos || start == 0 ? 0 : start + 1));
}

std::optional<std::string> volume_run(const Settings& settings, std::string_view service) {
  return read_file(settings.state_dir / "volumes" / fmt::format("{}.run", service));
}

fs::path init_dir(const Settings& settings, std::string_view service) {
  return settings.data_dir / fmt::format(".init-{}", service);
}

bool volume_complete(const Settings& settings, const Service& service) {
  const fs::path volume = settings.volume(service.name);
  return service.init ? fs::exists(volume / service.init->creates) : fs::exists(volume);
}

std::vector<std::string> recorded_volumes(const Settings& settings) {
  return names_in(settings.state_dir / "volumes", ".run");
}

void create_volume(const Scene& scene, const Service& service, const Definition& definition) {
  const Settings& settings = scene.settings;
  make_base(settings.data_dir);
  make_folders(settings.state_dir / "volumes", 0700);
  write_file_atomic(settings.state_dir / "volumes" / fmt::format("{}.run", service.name),
                    scene.run);
  const fs::path folder = init_dir(settings, service.name);
  stop_service(scene, service.name + ".init");
  remove_tree(folder);
  make_owned_folder(folder, definition.account);
  if (service.init) run_init(scene, service, folder);
  std::error_code error;
  fs::rename(folder, settings.volume(service.name), error);
  if (error)
    throw fbx::Error(FBX_IO,
                     fmt::format("cannot move {} to {}: {}", folder.string(),
                                 settings.volume(service.name).string(), error.message()),
                     "check the permissions of the data folder");
  sync_folder(settings.data_dir);
}

void make_volume_folder(const Settings& settings, const Service& service, const fs::path& folder) {
  make_base(settings.data_dir);
  make_owned_folder(folder, find_account(service.user));
}

void remove_empty_folders(const Settings& settings) {
  std::error_code not_empty;
  for (const fs::path& folder : {settings.data_dir / ".run", settings.data_dir / ".staged",
                                 settings.data_dir, settings.state_dir / "volumes",
                                 settings.state_dir / "logs", settings.state_dir / "services"})
    fs::remove(folder, not_empty);
  forget_scratch_ports(settings);
  fs::remove(settings.state_dir, not_empty);
  if (settings.scratch.empty()) return;
  fs::remove(settings.data_dir.parent_path(), not_empty);
  fs::remove(settings.state_dir.parent_path(), not_empty);
}

void remove_volume(const Settings& settings, std::string_view service) {
  remove_tree(init_dir(settings, service));
  remove_tree(staged_dir(settings, service));
  remove_tree(settings.volume(service));
  remove_tree(settings.state_dir / "volumes" / fmt::format("{}.run", service));
}

}  // namespace runtime_process
