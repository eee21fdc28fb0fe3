// SPDX-License-Identifier: Apache-2.0
// Measures one call across the plugin ABI, one call through the host with its JSON, and one load of
// a plugin. Prints "name value unit" lines; bench.py makes the table.
#include "config/config.hpp"
#include "config/schema.hpp"
#include "plugin/catalog.hpp"
#include "plugin/host.hpp"
#include "secrets/store.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fusebox/step.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>

using namespace fusebox;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

double nanoseconds(Clock::duration d) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(d).count());
}

// The median of `rounds` measurements of `work`, each of `calls` calls, per call.
template <class Work>
double median_ns(int rounds, int calls, Work&& work) {
  std::vector<double> samples;
  for (int r = 0; r < rounds; ++r) {
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) work();
    samples.push_back(nanoseconds(Clock::now() - start) / calls);
  }
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2];
}

std::int32_t no_op_write(void* count, fbx_span bytes) {
  *static_cast<std::uint64_t*>(count) += bytes.len;
  return FBX_OK;
}

// A plugin's table, called as the host calls it, with nothing around.
double raw_call_ns(const fs::path& library) {
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return -1;
  const auto* entry = static_cast<const fbx_entry*>(::dlsym(handle, "fusebox_plugin_entry_v1"));
  static const fbx_host host{sizeof(fbx_host), 0,       nullptr, nullptr, nullptr,
                             nullptr,          nullptr, nullptr, nullptr, nullptr};
  fbx_instance* self = nullptr;
  if (entry->plugin->create(&host, nullptr, {"{}", 2}, &self) != FBX_OK) return -1;
  const auto* step = static_cast<const fbx_step_v1*>(
      entry->plugin->get_interface(self, {FBX_IFACE_STEP, sizeof(FBX_IFACE_STEP) - 1}));
  std::uint64_t bytes = 0;
  return median_ns(21, 100000, [&] {
    step->plan(self, nullptr, {"{}", 2}, {&bytes, no_op_write});
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: abi_bench <folder of the test plugins>\n");
    return 2;
  }
  const fs::path plugins = argv[1];
  std::string pattern = (fs::temp_directory_path() / "fusebox-bench-XXXXXX").string();
  const fs::path dir = ::mkdtemp(pattern.data());
  std::ofstream(dir / "fusebox.toml")
      << "[stack]\nname = \"bench\"\n[plugins.a]\nuse = \"sample-touch\"\nfolder = \".\"\n";
  config::LoadOptions options;
  options.file = dir / "fusebox.toml";
  const config::Config config = config::load(options);
  const plugin::Catalog catalog = plugin::Catalog::discover({plugins});
  secrets::Store store;
  std::vector<config::Problem> problems;
  plugin::Host host(config, catalog, store, problems);
  plugin::CallContext context;
  const boost::json::object request{{"verb", "make"},
                                    {"with", {{"file", "x"}, {"fail_undo", false}}}};

  const auto start = Clock::now();
  host.plan("a", request, context);
  fmt::print("plugin_load {:.3f} ms\n", nanoseconds(Clock::now() - start) / 1e6);
  fmt::print("host_call {:.0f} ns\n",
             median_ns(21, 200, [&] { host.plan("a", request, context); }));
  fmt::print("abi_call {:.1f} ns\n",
             raw_call_ns(plugins /
                         ("zoo-fails" + catalog.find("zoo-fails")->library.extension().string())));
  fs::remove_all(dir);
}
