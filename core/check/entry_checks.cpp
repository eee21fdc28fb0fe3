// SPDX-License-Identifier: Apache-2.0
// The library as a file, its loading, and the entry record: all before a function of it is called.
#define BOOST_DLL_USE_STD_FS
#include "check/scene.hpp"
#include "plugin/trust.hpp"

#include <fmt/format.h>

#include <boost/dll/library_info.hpp>

#include <array>
#include <regex>

namespace fusebox::check {

namespace {

const fbx_entry& found(Scene& scene) {
  const fbx_entry* entry = nullptr;
  try {
    entry = scene.entry();
  } catch (const std::exception&) {
    skip("needs a library that loads, see entry.loads");
  }
  if (entry == nullptr) skip("needs the symbol, see entry.symbol");
  return *entry;
}

const fbx_plugin& record(Scene& scene) {
  const auto& entry = found(scene);
  if (entry.magic != FBX_MAGIC || entry.struct_size < sizeof(fbx_entry) || entry.plugin == nullptr)
    skip("needs a sound entry, see entry.magic, entry.size and entry.record");
  return *entry.plugin;
}

void trusted(Scene& scene) { plugin::check_trusted(scene.subject().library); }

void exports(Scene& scene) {
  // What sanitizers and linkers add on their own account.
  static const std::regex tolerated(
      R"(_?(fusebox_plugin_entry_v\d+|__(odr_)?[a-z]*san[_.].*|__(start|stop)_.*|__gcov_.*|__llvm_.*|_init|_fini|_edata|_end|__bss_start))");
  std::string extra;
  boost::dll::library_info info(scene.subject().library);
  for (const auto& symbol : info.symbols())
    if (!std::regex_match(symbol, tolerated) && extra.size() < 200)
      extra += (extra.empty() ? "" : ", ") + symbol;
  if (!extra.empty())
    fail(
        fmt::format("it exports more than its entry: {}; make them hidden or static, as "
                    "fusebox_add_plugin() does",
                    extra));
}

void loads(Scene& scene) { scene.entry(); }

void loads_quietly(Scene& scene) {
  const auto files = open_descriptors();
  const auto running = threads();
  const auto before = tree_of(scene.folder());
  found(scene);
  if (threads() != running) fail("loading it starts a thread");
  if (open_descriptors() != files) fail("loading it opens a descriptor that stays");
  const auto changed = difference(before, tree_of(scene.folder()));
  if (!changed.empty()) fail(fmt::format("loading it changes files or prints: {}", changed));
}

void symbol(Scene& scene) {
  try {
    if (scene.entry() != nullptr) return;
  } catch (const std::exception&) {
    skip("needs a library that loads, see entry.loads");
  }
  fail("it exports no fusebox_plugin_entry_v1: it is no plugin, or for another major version");
}

void magic(Scene& scene) {
  if (found(scene).magic != FBX_MAGIC)
    fail(fmt::format("the entry's magic is {:#010x}, not {:#010x}", found(scene).magic, FBX_MAGIC));
}

void size(Scene& scene) {
  const auto said = found(scene).struct_size;
  if (said < sizeof(fbx_entry))
    fail(fmt::format("the entry says {} bytes, at least {} are needed", said, sizeof(fbx_entry)));
  if (said > 4096) fail(fmt::format("the entry says {} bytes, which cannot be", said));
}

void reserved(Scene& scene) {
  if (found(scene).reserved != 0) fail("the entry's reserved field is not 0");
}

void minor(Scene& scene) {
  const auto built = found(scene).abi_minor;
  if (built > FBX_ABI_MINOR)
    warn(fmt::format(
        "it was built for ABI 1.{}, this fusebox has 1.{}: what was added since is not there",
        built, FBX_ABI_MINOR));
}

void has_record(Scene& scene) {
  if (found(scene).plugin == nullptr) fail("the entry points to no plugin record");
}

void record_size(Scene& scene) {
  const auto said = record(scene).struct_size;
  if (said < sizeof(fbx_plugin))
    fail(fmt::format("the plugin record says {} bytes, at least {} are needed", said,
                     sizeof(fbx_plugin)));
  if (said > 4096) fail(fmt::format("the plugin record says {} bytes, which cannot be", said));
}

void flags(Scene& scene) {
  if (record(scene).flags != 0)
    fail(fmt::format("the plugin record has flags {:#x}; none are defined", record(scene).flags));
}

void functions(Scene& scene) {
  const auto& r = record(scene);
  if (r.struct_size < sizeof(fbx_plugin)) skip("needs a whole record, see entry.record-size");
  if (r.create == nullptr) fail("create is NULL");
  if (r.destroy == nullptr) fail("destroy is NULL");
  if (r.get_interface == nullptr) fail("get_interface is NULL");
}

void manifest(Scene& scene) {
  const auto& r = record(scene);
  if (r.manifest_toml == nullptr) fail("there is no manifest in the library");
  if (scene.manifest().text != r.manifest_toml)
    fail("the manifest in the library is not the one beside it: install those of one build");
}

constexpr std::array kChecks = {
    Check{"entry.trusted", 1, "nobody else can change the library or a folder above it", trusted},
    Check{"entry.loads", 1, "it loads, with every symbol resolved at once", loads},
    Check{"entry.quiet", 3, "loading it starts nothing, opens nothing and prints nothing",
          loads_quietly},
    Check{"entry.exports", 2, "it exports nothing beside its entry", exports},
    Check{"entry.symbol", 1, "it exports fusebox_plugin_entry_v1", symbol},
    Check{"entry.magic", 1, "the entry begins with the magic number", magic},
    Check{"entry.size", 1, "the entry says how large it is", size},
    Check{"entry.reserved", 2, "the entry's reserved field is 0", reserved},
    Check{"entry.minor", 2, "it was built for an ABI that this fusebox has", minor},
    Check{"entry.record", 1, "the entry points to a plugin record", has_record},
    Check{"entry.record-size", 1, "the plugin record says how large it is", record_size},
    Check{"entry.flags", 2, "no undefined flag is set", flags},
    Check{"entry.functions", 1, "create, destroy and get_interface are there", functions},
    Check{"entry.manifest", 1, "the manifest inside is the one beside it, byte for byte", manifest},
};

}  // namespace

std::span<const Check> entry_checks() { return kChecks; }

}  // namespace fusebox::check
