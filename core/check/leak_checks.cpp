// SPDX-License-Identifier: Apache-2.0
// What stays behind in the host's process: descriptors, threads, memory, children, settings.
#include "check/scene.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <array>
#include <clocale>
#include <csignal>

namespace fusebox::check {

namespace {

constexpr int kWarmUp = 5;
constexpr int kRounds = 40;

// A life: made, asked all that is harmless, destroyed.
void round(Scene& scene) {
  const Instance instance = scene.make();
  if (!scene.provides(FBX_IFACE_STEP)) return;
  const auto& step = scene.table<fbx_step_v1>(instance, FBX_IFACE_STEP);
  for (const auto& [name, verb] : scene.manifest().verbs)
    scene.ask(instance, step.plan, scene.request(verb));
}

template <class Count>
void require_steady(Scene& scene, Count count, std::string_view what, long tolerance) {
  for (int i = 0; i < kWarmUp; ++i) round(scene);
  const long before = static_cast<long>(count());
  for (int i = 0; i < kRounds; ++i) round(scene);
  const long grown = static_cast<long>(count()) - before;
  if (grown > tolerance)
    fail(fmt::format("{} grow by {} in {} lives of an instance", what, grown, kRounds));
}

void descriptors(Scene& scene) { require_steady(scene, open_descriptors, "open descriptors", 0); }

void running(Scene& scene) {
  if (threads() == 0) skip("threads cannot be counted here");
  require_steady(scene, threads, "threads", 0);
}

void memory(Scene& scene) {
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
  // The host keeps each op, and what was said, for ever; some hundred bytes for a call.
  const long kept = 1024L * kRounds * static_cast<long>(2 + scene.manifest().verbs.size());
  require_steady(
      scene,
      [&] {
        scene.bench().deeds().said.clear();
        return ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
      },
      "bytes of memory", kept);
#else
  (void)scene;
  skip("memory cannot be counted here");
#endif
}

void children(Scene& scene) {
  for (int i = 0; i < 3; ++i) round(scene);
  if (has_children()) fail("it leaves a child process behind, running or to be waited for");
}

void signals(Scene& scene) {
  std::array<struct sigaction, 32> before{};
  for (int n = 1; n < 32; ++n) ::sigaction(n, nullptr, &before[static_cast<std::size_t>(n)]);
  sigset_t mask_before;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask_before);
  round(scene);
  for (int n = 1; n < 32; ++n) {
    struct sigaction now {};
    ::sigaction(n, nullptr, &now);
    if (now.sa_handler != before[static_cast<std::size_t>(n)].sa_handler)
      fail(fmt::format("it changes what signal {} does to the whole process", n));
  }
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  for (int n = 1; n < 32; ++n)
    if (::sigismember(&mask, n) != ::sigismember(&mask_before, n))
      fail(
          fmt::format("it leaves signal {} blocked or unblocked for the thread that called it", n));
}

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    all.emplace_back(*entry);
  return all;
}

void process_state(Scene& scene) {
  const auto folder = std::filesystem::current_path();
  const auto variables = environment();
  const std::string locale = std::setlocale(LC_ALL, nullptr);
  const mode_t mask = ::umask(022);
  ::umask(mask);
  round(scene);
  if (std::filesystem::current_path() != folder)
    fail("it changes the working folder of the whole process");
  if (environment() != variables) fail("it changes the environment of the whole process");
  if (std::setlocale(LC_ALL, nullptr) != locale) fail("it changes the locale of the whole process");
  const mode_t after = ::umask(mask);
  if (after != mask) fail("it changes the umask of the whole process");
}

void late_calls(Scene& scene) {
  for (int i = 0; i < 3; ++i) round(scene);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const std::lock_guard lock(scene.bench().mutex());
  if (!scene.bench().deeds().offences.empty()) fail("it " + scene.bench().deeds().offences.front());
}

void files(Scene& scene) {
  for (int i = 0; i < 3; ++i) round(scene);
  const auto left = difference({}, tree_of(scene.folder() / "tmp"));
  if (!left.empty()) fail(fmt::format("it leaves temporary files behind: {}", left));
}

constexpr std::array kChecks = {
    Check{"leaks.descriptors", 2, "no descriptor stays open", descriptors},
    Check{"leaks.threads", 2, "no thread outlives its instance", running},
    Check{"leaks.memory", 4, "memory does not grow from life to life", memory},
    Check{"leaks.children", 2, "no child process is left", children},
    Check{"leaks.signals", 2, "signal handlers and masks stay as they were", signals},
    Check{"leaks.process", 2, "folder, environment, locale and umask stay as they were",
          process_state},
    Check{"leaks.ops", 1, "no op is used after its call has returned", late_calls},
    Check{"leaks.files", 4, "no temporary file is left", files},
};

}  // namespace

std::span<const Check> leak_checks() { return kChecks; }

}  // namespace fusebox::check
