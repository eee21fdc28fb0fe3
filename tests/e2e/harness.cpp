// SPDX-License-Identifier: Apache-2.0
#include "e2e/harness.hpp"

#include "support/failure.hpp"
#include "util/error.hpp"
#include "util/fd.hpp"
#include "util/subprocess.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iostream>
#if defined(__APPLE__)
#include <util.h>
#else
#include <pty.h>
#endif

namespace fusebox::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

// The state and configuration of the user who runs the tests stay out.
const std::vector<std::string> unset_names = {"FUSEBOX_CONFIG", "FUSEBOX_PLUGIN_PATH",
                                              "CLICOLOR_FORCE"};

std::string read_available(int fd) {
  char buffer[4096];
  const auto got = ::read(fd, buffer, sizeof buffer);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
}

// Reads until `mark` comes, the other side is gone, or the time is over.
bool read_until(int fd, std::string& text, std::string_view mark, std::chrono::milliseconds limit) {
  const auto from = text.size();
  const auto until = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < until) {
    if (!mark.empty() && text.find(mark, from) != std::string::npos) return true;
    pollfd waited{fd, POLLIN, 0};
    if (::poll(&waited, 1, 100) <= 0) continue;
    const auto more = read_available(fd);
    if (more.empty()) return mark.empty();
    text += more;
  }
  return false;
}

[[noreturn]] void become_fusebox(const Sandbox& sandbox, const std::vector<std::string>& args,
                                 std::map<std::string, std::string> environment) {
  for (const auto& name : unset_names) ::unsetenv(name.c_str());
  environment["TERM"] = "xterm";
  for (const auto& entry : sandbox.environment(environment)) ::putenv(::strdup(entry.c_str()));
  std::string program = fusebox_program().string();
  std::vector<std::string> words = args;
  std::vector<char*> argv = {program.data()};
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  if (::chdir(sandbox.path().c_str()) == 0) ::execv(program.c_str(), argv.data());
  ::_exit(127);
}

}  // namespace

std::string Ended::all() const {
  return fmt::format("exit code {}\n--- stdout\n{}--- stderr\n{}", exit_code, out, err);
}

std::vector<boost::json::object> Ended::lines() const {
  std::vector<boost::json::object> objects;
  std::string_view rest = out;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    boost::system::error_code failed;
    auto value = boost::json::parse(line, failed);
    INFO("not a JSON object: " << line);
    CHECK_MESSAGE((!failed && value.is_object()), "every line of --json is a JSON object");
    if (!failed && value.is_object()) objects.push_back(value.get_object());
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return objects;
}

fs::path fusebox_program() { return FUSEBOX_PROGRAM; }

Sandbox::Sandbox() {
  std::string pattern = (fs::canonical(fs::temp_directory_path()) / "fusebox-e2e-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw system_error("make the folder", pattern, errno);
  path_ = pattern;
  // Services may run as users of their own, who have to come through here.
  fs::permissions(path_, fs::perms::others_exec | fs::perms::group_exec, fs::perm_options::add);
  fs::create_directories(path_ / "home");
}

Sandbox::~Sandbox() {
  if (test_failed() || std::getenv("FUSEBOX_KEEP") != nullptr) {
    std::cerr << "kept " << path_.string() << '\n';
    return;
  }
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path Sandbox::write(const std::string& name, std::string_view text) const {
  const auto file = path_ / name;
  fs::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out << text;
  return file;
}

std::vector<std::string> Sandbox::environment(
    const std::map<std::string, std::string>& more) const {
  const auto home = (path_ / "home").string();
  std::map<std::string, std::string> all = {{"HOME", home},
                                            {"XDG_STATE_HOME", home + "/state"},
                                            {"XDG_CONFIG_HOME", home + "/config"},
                                            {"XDG_DATA_HOME", home + "/data"},
                                            {"XDG_RUNTIME_DIR", home + "/run"},
                                            {"NO_COLOR", "1"}};
  for (const auto& [name, value] : more) all[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
  return entries;
}

fs::path Sandbox::state_dir(const std::string& name) const {
#if defined(__APPLE__)
  return path_ / "home/Library/Application Support/fusebox" / name;
#else
  return path_ / "home/state/fusebox" / name;
#endif
}

Ended Sandbox::fusebox(const std::vector<std::string>& args, const CallOptions& options) const {
  std::vector<std::string> command = {fusebox_program().string()};
  command.insert(command.end(), args.begin(), args.end());
  return program(command, options);
}

Ended Sandbox::program(const std::vector<std::string>& command, const CallOptions& options) const {
  util::ProcessSpec spec;
  spec.command = command;
  spec.cwd = options.cwd.empty() ? path_ : options.cwd;
  spec.environment = environment(options.environment);
  spec.unset = unset_names;
  spec.stdin_bytes = options.stdin_text;
  Ended ended;
  try {
    const auto result = util::run_process(
        spec, [&](std::string_view bytes) { ended.out += bytes; },
        [&](std::string_view bytes) { ended.err += bytes; },
        std::chrono::steady_clock::now() + options.deadline, nullptr);
    ended.exit_code = result.exit_code;
  } catch (const Error& error) {
    FAIL(fmt::format("{}: {}\n{}", fmt::join(command, " "), error.what(), ended.all()));
  }
  return ended;
}

Ended at_terminal(const Sandbox& sandbox, const std::vector<std::string>& args,
                  const std::vector<Exchange>& script,
                  const std::map<std::string, std::string>& environment) {
  int control = -1;
  const pid_t child = ::forkpty(&control, nullptr, nullptr, nullptr);
  if (child < 0) throw system_error("open", "a pseudo terminal", errno);
  if (child == 0) become_fusebox(sandbox, args, environment);
  const util::UniqueFd terminal(control);

  Ended ended;
  for (const auto& [expect, send] : script) {
    const bool came = read_until(control, ended.out, expect, 20s);
    CHECK_MESSAGE(came, fmt::format("\"{}\" did not come; until then:\n{}", expect, ended.out));
    if (!came) break;
    const auto written = ::write(control, send.data(), send.size());
    CHECK(written == static_cast<ssize_t>(send.size()));
  }
  const bool over = read_until(control, ended.out, "", 30s);
  if (!over) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK_MESSAGE(over, fmt::format("the program did not end; it printed:\n{}", ended.out));
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

}  // namespace fusebox::test
