// SPDX-License-Identifier: Apache-2.0
// fusebox-shim: stands between fusebox, which ends, and a service, which stays. It owns the
// service's log and waits for its end; see spec.hpp for how it is told what to do.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <exception>

#include "child.hpp"
#include "keeper.hpp"

#if defined(__linux__)
#include <sys/prctl.h>
#endif

namespace rp = runtime_process;
namespace shim = runtime_process::shim;

namespace {

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

// It holds secrets: no core dump, no debugger of the same user.
void close_to_others() {
  const ::rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#if defined(__linux__)
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void report(std::string_view error) {
  rp::write_all(shim::status_fd, boost::json::serialize(boost::json::object{{"error", error}}));
}

// Leaves the caller's session; the first process ends so that nobody waits for the second.
void detach() {
  if (::fork() != 0) ::_exit(0);
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  if (null > 2) ::close(null);
  if (::chdir("/") != 0) ::_exit(1);
}

int run(const std::string& text) {
  shim::Spec spec = shim::spec_from_text(text);
  if (spec.mode == shim::Spec::Mode::service) {
    close_to_others();
    detach();
    return shim::keep(std::move(spec));
  }
  if (spec.own_group) ::setpgid(0, 0);
  ::close(shim::lock_fd);
  report(shim::become(spec.record.definition, spec.environment));
  return 127;
}

}  // namespace

int main() {
  shim::close_from(shim::lock_fd + 1);
  shim::close_on_exec_from(shim::spec_fd);
  const std::string text = read_to_end(shim::spec_fd);
  ::close(shim::spec_fd);
  // Whoever started us went away before it had said all: nothing was begun, nothing is to do.
  if (text.empty() || text.back() != '}') return 1;
  try {
    return run(text);
  } catch (const std::exception& e) {
    report(e.what());
    return 1;
  }
}
