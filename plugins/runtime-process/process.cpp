// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fusebox/plugin.hpp>

#include "sys.hpp"

#if defined(__linux__)
#include <dirent.h>
#include <sys/syscall.h>

#include <sstream>
#elif defined(__APPLE__)
#include <libproc.h>
#include <mach/mach_time.h>
#include <sys/sysctl.h>
#endif

namespace runtime_process {
namespace {

struct Entry {
  ProcessId id;
  pid_t parent = 0;
  pid_t session = 0;
  bool zombie = false;
  double cpu_seconds = 0;
  std::uint64_t memory_bytes = 0;
};

#if defined(__linux__)

// Field numbers as in proc(5), of /proc/<pid>/stat.
std::optional<Entry> read_entry(pid_t pid) {
  std::optional<std::string> text;
  try {
    text = read_file(fmt::format("/proc/{}/stat", pid));
  } catch (const fbx::Error&) {
    return std::nullopt;  // it went away while being read
  }
  if (!text) return std::nullopt;
  const std::size_t name_end = text->rfind(')');  // the name may hold anything, even ")"
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text->substr(name_end + 1));
  std::vector<std::string> fields{"", "", ""};  // so that fields[n] is field n
  for (std::string field; rest >> field;) fields.push_back(field);
  if (fields.size() < 25) return std::nullopt;
  const double tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
  Entry entry;
  entry.id = {pid, std::stoull(fields[22])};
  entry.zombie = fields[3] == "Z" || fields[3] == "X";
  entry.parent = std::stoi(fields[4]);
  entry.session = std::stoi(fields[6]);
  entry.cpu_seconds = static_cast<double>(std::stoull(fields[14]) + std::stoull(fields[15])) / tick;
  entry.memory_bytes =
      std::stoull(fields[24]) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return entry;
}

std::vector<Entry> all_entries() {
  std::vector<Entry> entries;
  for (const auto& item : fs::directory_iterator("/proc")) {
    const std::string name = item.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (auto entry = read_entry(std::stoi(name))) entries.push_back(*entry);
  }
  return entries;
}

#elif defined(__APPLE__)

double seconds_of(std::uint64_t mach_units) {
  mach_timebase_info_data_t base{};
  mach_timebase_info(&base);
  return static_cast<double>(mach_units) * base.numer / base.denom / 1e9;
}

std::optional<Entry> read_entry(pid_t pid) {
  proc_bsdinfo info{};
  if (proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, sizeof info) != sizeof info)
    return std::nullopt;
  Entry entry;
  entry.id = {pid, info.pbi_start_tvsec * 1'000'000 + info.pbi_start_tvusec};
  entry.zombie = info.pbi_status == SZOMB;
  entry.parent = static_cast<pid_t>(info.pbi_ppid);
  entry.session = ::getsid(pid);
  proc_taskinfo task{};
  if (proc_pidinfo(pid, PROC_PIDTASKINFO, 0, &task, sizeof task) == sizeof task) {
    entry.cpu_seconds = seconds_of(task.pti_total_user + task.pti_total_system);
    entry.memory_bytes = task.pti_resident_size;
  }
  return entry;
}

std::vector<Entry> all_entries() {
  std::vector<pid_t> pids(static_cast<std::size_t>(proc_listallpids(nullptr, 0)) + 64);
  const int count = proc_listallpids(pids.data(), static_cast<int>(pids.size() * sizeof(pid_t)));
  std::vector<Entry> entries;
  for (int i = 0; i < count; ++i)
    if (auto entry = read_entry(pids[static_cast<std::size_t>(i)])) entries.push_back(*entry);
  return entries;
}

#endif

bool send(pid_t target, int signal) {
  if (::kill(target, signal) == 0) return true;
  if (errno == ESRCH) return false;
  throw fbx::Error(
      FBX_DENIED,
      fmt::format("cannot send signal {} to process {}: {}", signal, target, errno_text(errno)),
      "run the command as the user who started the services");
}

}  // namespace

std::optional<ProcessId> identify(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  const auto entry = read_entry(pid);
  if (!entry || entry->zombie) return std::nullopt;
  return entry->id;
}

bool alive(const ProcessId& id) {
  const auto now = identify(id.pid);
  return now && *now == id;
}

std::string boot_id() {
#if defined(__linux__)
  const auto text = read_file("/proc/sys/kernel/random/boot_id");
  return text ? text->substr(0, text->find('\n')) : "";
#else
  char text[64] = {};
  size_t size = sizeof text - 1;
  ::sysctlbyname("kern.bootsessionuuid", text, &size, nullptr, 0);
  return text;
#endif
}

bool signal_process(const ProcessId& id, int signal) {
#if defined(__linux__)
  // A pidfd names the process itself, so nothing can take its place after alive() said yes.
  const Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0)));
  if (!alive(id)) return false;
  if (fd) {
    if (::syscall(SYS_pidfd_send_signal, fd.get(), signal, nullptr, 0) == 0) return true;
    if (errno == ESRCH) return false;
  }
#else
  if (!alive(id)) return false;
#endif
  return send(id.pid, signal);
}

bool signal_group(const ProcessId& id, int signal) {
  if (!alive(id)) return false;
  return send(-id.pid, signal);
}

std::vector<ProcessId> children_of(pid_t pid) {
  std::vector<ProcessId> children;
  for (const Entry& entry : all_entries())
    if (entry.parent == pid && !entry.zombie) children.push_back(entry.id);
  return children;
}

Usage usage_of(const ProcessId& id) {
  Usage usage;
  if (!alive(id)) return usage;
  const std::vector<Entry> entries = all_entries();
  std::vector<pid_t> ours;
  for (const Entry& entry : entries)
    if (entry.session == id.pid || entry.id.pid == id.pid) ours.push_back(entry.id.pid);
  const auto is_ours = [&](pid_t pid) {
    return std::find(ours.begin(), ours.end(), pid) != ours.end();
  };
  // Children that made a session of their own: each pass finds one more generation.
  for (bool grew = true; grew;) {
    grew = false;
    for (const Entry& entry : entries) {
      if (is_ours(entry.id.pid) || !is_ours(entry.parent)) continue;
      ours.push_back(entry.id.pid);
      grew = true;
    }
  }
  for (const Entry& entry : entries) {
    if (entry.zombie || !is_ours(entry.id.pid)) continue;
    usage.cpu_seconds += entry.cpu_seconds;
    usage.memory_bytes += entry.memory_bytes;
    ++usage.processes;
  }
  return usage;
}

}  // namespace runtime_process
