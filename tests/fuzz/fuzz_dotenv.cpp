// SPDX-License-Identifier: Apache-2.0
// An environment file. What can be read must survive being written and read again.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/dotenv.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using fbx::common::Dotenv;

std::optional<std::string_view> environment(std::string_view name) {
  if (name == "HOME") return "/home/me";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

void round_trip(const Dotenv& file) {
  fbx::common::WipedText written;
  for (const auto& entry : file.entries)
    written.append(fbx::common::dotenv_line(entry.name, entry.value.view()).view());
  const Dotenv again = fbx::common::parse_dotenv(written.view(), "again", environment);
  fusebox::fuzz::check(again.warnings.empty(), "what was written warns of nothing");
  fusebox::fuzz::check(again.entries.size() == file.entries.size(), "every name is written");
  for (std::size_t i = 0; i < file.entries.size(); ++i) {
    fusebox::fuzz::check(again.entries[i].name == file.entries[i].name, "names survive");
    fusebox::fuzz::check(again.entries[i].value.view() == file.entries[i].value.view(),
                         "values survive");
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    round_trip(fbx::common::parse_dotenv(input, "fuzz.env", environment));
  } catch (const fbx::common::DotenvError& e) {
    const std::string_view what = e.what();
    fusebox::fuzz::check(what.starts_with("fuzz.env:"), "an error begins with its place");
    fusebox::fuzz::check(e.place().line >= 1 && e.place().column >= 1, "places count from 1");
  }
  return 0;
}
