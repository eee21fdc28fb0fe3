// SPDX-License-Identifier: Apache-2.0
// One check, one process: whatever a plugin does there, the next check starts afresh.
#include "check/check.hpp"
#include "check/scene.hpp"
#include "util/error.hpp"
#include "util/fd.hpp"
#include "util/fs.hpp"
#include "util/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace fusebox::check {

namespace json = boost::json;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::array kOutcomes = {Outcome::success, Outcome::warn, Outcome::fail, Outcome::crash,
                                  Outcome::skip};

// Everything that a check leaves behind is in there, and goes with it.
class Folder {
 public:
  Folder() {
    auto name = (fs::temp_directory_path() / "fusebox-check-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw system_error("cannot create", name, errno);
    path_ = fs::canonical(name);
    for (const char* part : {"home", "state", "work", "tmp"}) fs::create_directory(path_ / part);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// A check with the same seed makes up the same, whatever ran before it.
std::uint64_t seed_of(const Options& options, const Check& check) {
  std::uint64_t seed = options.seed;
  for (const char c : check.id) seed = seed * 1099511628211U ^ static_cast<unsigned char>(c);
  return seed;
}

Verdict judge(const Check& check, const Subject& subject, const Options& options,
              const fs::path& folder) {
  try {
    Scene scene(subject, folder, seed_of(options, check));
    check.run(scene);
    return {};
  } catch (const Verdict& verdict) {
    return verdict;
  } catch (const std::exception& error) {
    return {Outcome::fail, error.what()};
  } catch (...) {
    return {Outcome::fail, "an exception came out of the plugin"};
  }
}

void enter(const fs::path& folder) {
  // A cache is nobody's effect, and so lies with the state.
  const std::array<std::pair<const char*, const char*>, 5> set = {
      {{"HOME", "home"},
       {"XDG_STATE_HOME", "state"},
       {"XDG_CACHE_HOME", "state/cache"},
       {"XDG_CONFIG_HOME", "home"},
       {"TMPDIR", "tmp"}}};
  for (const auto& [name, part] : set) ::setenv(name, (folder / part).c_str(), 1);
  fs::current_path(folder / "work");
}

[[noreturn]] void be_child(const Check& check, const Subject& subject, const Options& options,
                           const fs::path& folder, int report) noexcept {
  ::setpgid(0, 0);
#if defined(__linux__)
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  // Also where nobody is left to end this process.
  ::alarm(static_cast<unsigned>(options.limit.count() / 1000 + 5));
  const int out = ::open((folder / "output").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::close(in);
  ::close(out);
  enter(folder);
  const Verdict verdict = judge(check, subject, options, folder);
  const std::string line = json::serialize(json::object{{"outcome", to_string(verdict.outcome)},
                                                        {"why", util::sanitize_line(verdict.why)}});
  for (std::size_t done = 0; done < line.size();) {
    const auto n = ::write(report, line.data() + done, line.size() - done);
    if (n < 0 && errno != EINTR) break;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  const char end = '\n';
  if (::write(report, &end, 1) != 1) ::_exit(1);
  std::fflush(nullptr);
  ::_exit(0);
}

// What comes until the line ends, the other side is gone, or time is up (then `late`).
std::string read_line(int fd, Clock::time_point until, bool& late) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.find('\n') == std::string::npos) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    pollfd waiting{fd, POLLIN, 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      late = true;
      return {};
    }
    const auto n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return {};
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

std::string last_output(const fs::path& folder) {
  std::error_code none;
  if (fs::file_size(folder / "output", none) == 0 || none) return {};
  std::string text;
  try {
    text = util::read_file(folder / "output", 1U << 20U);
  } catch (const Error&) {
    return {};
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return fmt::format("; its last words: {}",
                     util::sanitize_line(std::string_view(text).substr(text.rfind('\n') + 1)));
}

Verdict verdict_of(const std::string& line, bool late, int status, const Options& options,
                   const fs::path& folder) {
  if (late)
    return {Outcome::crash, fmt::format("did not end within {} s{}", options.limit.count() / 1000,
                                        last_output(folder))};
  boost::system::error_code ec;
  const auto value = json::parse(line, ec);
  if (ec || !value.is_object()) {
    const auto how = WIFSIGNALED(status)
                         ? fmt::format("killed by signal {} ({})", WTERMSIG(status),
                                       ::strsignal(WTERMSIG(status)))
                         : fmt::format("ended the process with exit({})", WEXITSTATUS(status));
    return {Outcome::crash, how + last_output(folder)};
  }
  const auto& word = value.at("outcome").as_string();
  const auto outcome = std::find_if(kOutcomes.begin(), kOutcomes.end(), [&](Outcome o) {
    return to_string(o) == std::string_view(word);
  });
  return {outcome == kOutcomes.end() ? Outcome::crash : *outcome,
          std::string(value.at("why").as_string())};
}

Verdict in_own_process(const Check& check, const Subject& subject, const Options& options) {
  const Folder folder;
  util::Pipe pipe = util::make_pipe();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw system_error("cannot fork", "a process for a check", errno);
  if (child == 0) {
    pipe.read.reset();
    be_child(check, subject, options, folder.path(), pipe.write.get());
  }
  ::setpgid(child, child);  // whoever is first
  pipe.write.reset();
  bool late = false;
  const std::string line = read_line(pipe.read.get(), Clock::now() + options.limit, late);
  // After its verdict the process only has to go, but what the plugin left in it may not let it.
  if (late || !line.empty()) ::kill(-child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::kill(-child, SIGKILL);
  return verdict_of(line, late, status, options, folder.path());
}

Verdict in_this_process(const Check& check, const Subject& subject, const Options& options) {
  const Folder folder;
  const auto before = fs::current_path();
  enter(folder.path());
  auto verdict = judge(check, subject, options, folder.path());
  fs::current_path(before);
  return verdict;
}

bool is_named(const Check& check, const std::string& name) {
  return check.id == name || check.id.substr(0, check.id.find('.')) == name;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::success:
      return "success";
    case Outcome::warn:
      return "warn";
    case Outcome::fail:
      return "fail";
    case Outcome::crash:
      return "crash";
    case Outcome::skip:
      return "skip";
  }
  return "";
}

void fail(std::string why) { throw Verdict{Outcome::fail, std::move(why)}; }
void warn(std::string why) { throw Verdict{Outcome::warn, std::move(why)}; }
void skip(std::string why) { throw Verdict{Outcome::skip, std::move(why)}; }

std::vector<Check> checks() {
  std::vector<Check> all;
  for (const auto group : {manifest_checks(), entry_checks(), life_checks(), interface_checks(),
                           config_checks(), step_checks(), run_checks(), leak_checks(),
                           secret_checks(), snapshot_checks(), store_checks(), service_checks()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<Check> chosen(const Options& options) {
  const auto all = checks();
  for (const auto& name : options.only)
    if (std::none_of(all.begin(), all.end(), [&](const Check& c) { return is_named(c, name); }))
      throw Error(Errc::not_found, fmt::format("there is no check \"{}\"", name),
                  "--list names them all; a group's name means all of the group");
  std::vector<Check> picked;
  for (const auto& check : all) {
    const bool named = std::any_of(options.only.begin(), options.only.end(),
                                   [&](const std::string& name) { return is_named(check, name); });
    if (options.only.empty() ? check.strictness <= options.strictness : named)
      picked.push_back(check);
  }
  return picked;
}

void run_checks_on(const Subject& subject, const Options& options,
                   const std::function<void(const Report&)>& on_report) {
  for (const auto& check : chosen(options)) {
    const auto start = Clock::now();
    Report report{check, {}, {}};
    report.verdict = options.in_process ? in_this_process(check, subject, options)
                                        : in_own_process(check, subject, options);
    report.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    on_report(report);
  }
}

}  // namespace fusebox::check
