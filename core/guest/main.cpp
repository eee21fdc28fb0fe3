// SPDX-License-Identifier: Apache-2.0
// fusebox-plugin-host: one plugin in a process of its own. fusebox runs it; people do not.
#include "guest/guest.hpp"
#include "plugin/library.hpp"
#include "secrets/store.hpp"
#include "util/error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <cstdlib>
#include <exception>
#include <thread>

namespace {

using namespace fusebox;
namespace wire = plugin::wire;

constexpr int kUsage = 2;
constexpr int kBroken = 70;  // fusebox said what it must not

bool is_socket(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

// When memory runs out, it is this process that goes.
void offer_to_oom_killer() {
  const util::UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!file) return;
  [[maybe_unused]] const ssize_t n = ::write(file.get(), "1000", 4);
}

void tie_to_parent() {
#if defined(__linux__)
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
#endif
}

// The socket away from stdin, which the plugin may read.
util::UniqueFd take_control() {
  util::UniqueFd control(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  const util::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!control || ::dup2(null.get(), STDIN_FILENO) < 0) std::_Exit(kBroken);
  return control;
}

const fbx_plugin& load(const wire::Load& message, util::UniqueFd library) {
  plugin::LibraryFile file;
  file.id = message.id;
  file.shown = message.shown;
  file.opened = library ? fmt::format("/proc/self/fd/{}", library.get()) : message.opened;
  file.manifest_name = message.manifest_name;
  file.manifest_text = message.manifest_text;
  return plugin::open_library(file);
}

[[noreturn]] void end(const std::exception& error) {
  fmt::print(stderr, "fusebox {}\n", error.what());
  std::fflush(stderr);
  std::_Exit(kBroken);
}

void serve(guest::Guest& guest, util::UniqueFd socket, util::UniqueFd cancel) {
  try {
    wire::Channel lane(std::move(socket));
    guest.serve(lane, cancel);
  } catch (const std::exception& error) {
    end(error);
  }
}

}  // namespace

int main() {
  if (!is_socket(STDIN_FILENO)) {
    fmt::print(stderr,
               "fusebox-plugin-host runs a plugin for fusebox, and is of no use by itself.\n"
               "  hint: [plugins.<instance>] isolation = \"process\" has fusebox use it\n");
    return kUsage;
  }
  tie_to_parent();
  offer_to_oom_killer();
  secrets::harden_process();
  wire::Channel control(take_control());
  guest::Link link(control);
  guest::Guest guest(link, load);
  guest::EndlessWait waiter;
  try {
    for (;;) {
      wire::Frame frame = control.receive(waiter);
      wire::decode<wire::Lane>(frame);
      std::thread(serve, std::ref(guest), std::move(frame.fds[0]), std::move(frame.fds[1]))
          .detach();
    }
  } catch (const wire::Closed&) {
    std::_Exit(EXIT_SUCCESS);  // the plugin's threads may still run: no destructor may
  } catch (const std::exception& error) {
    end(error);
  }
}
