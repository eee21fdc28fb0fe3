// SPDX-License-Identifier: Apache-2.0
// What git writes, or something like it. It reads the same in whatever pieces it comes.
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/patch_reader.hpp"
#include "tests/fuzz/check.hpp"

namespace {

std::string read(std::string_view patch, std::size_t step) {
  std::string seen;
  fusebox::scan::PatchReader reader(
      {[&](const fusebox::scan::Fragment& fragment) {
         seen += fragment.path + ":" + std::to_string(fragment.start_line) + " ";
         seen += fragment.raw;
         if (fragment.commit != nullptr) seen += fragment.commit->sha + fragment.commit->message;
       },
       [&](const std::string& file, const auto&) { seen += "binary " + file; },
       [&](const std::string& where, const std::string& why) { seen += where + why; }});
  for (; !patch.empty(); patch.remove_prefix(std::min(step, patch.size())))
    reader.add(patch.substr(0, step));
  reader.finish();
  return seen;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  fusebox::fuzz::check(read(input, 3) == read(input, size + 1), "pieces do not matter");
  return 0;
}
