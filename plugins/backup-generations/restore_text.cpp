// SPDX-License-Identifier: Apache-2.0
#include "restore_text.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "common/json.hpp"

namespace fbx::backup {

namespace {

// The commands by hand are for what a store makes without encryption.
std::string decryption(const boost::json::object& manifest) {
  std::string commands;
  for (const auto& item : *common::array_at(manifest, "sources")) {
    std::string file = common::need_text(item.as_object(), "file");
    if (!file.ends_with(".age")) continue;
    const std::string opened = file.substr(0, file.size() - 4);
    commands += fmt::format("     age -d -i KEY-FILE -o {} {}\n", opened, file);
  }
  if (commands.empty()) return {};
  return "\n   The sources are encrypted. KEY-FILE holds the identity, a line "
         "AGE-SECRET-KEY-1...:\n" +
         commands;
}

}  // namespace

std::string restore_text(const std::string& generation, const boost::json::object& manifest) {
  std::string text = fmt::format(
      "Generation {0} of the stack {1}\n\n"
      "Everything here is in standard formats. To bring it back without fusebox, in short\n"
      "(docs/RESTORE-BY-HAND.md of fusebox has every command, for plain servers and Compose):\n\n"
      "1. In this folder: sha256sum -c SHA256SUMS     (macOS: shasum -a 256 -c SHA256SUMS)\n"
      "2. Start empty servers of the versions named below, or newer.\n"
      "3. For each source:\n",
      generation, common::need_text(manifest, "stack"));
  text += decryption(manifest);
  for (const auto& item : *common::array_at(manifest, "sources")) {
    const auto& source = item.as_object();
    const std::string version = common::text_at(source, "version").value_or("");
    text += fmt::format("\n   {} ({}{}{})\n", common::need_text(source, "name"),
                        common::need_text(source, "kind"), version.empty() ? "" : " ", version);
    for (const auto& line : *common::array_at(source, "by_hand"))
      text += fmt::format("     {}\n", std::string_view(line.as_string()));
    if (const auto* counts = common::object_at(source, "counts"))
      text += fmt::format("     then there should be: {}\n", boost::json::serialize(*counts));
  }
  text +=
      "\n4. The secrets are not here, on purpose. Without the ENCRYPTION_KEY that was in use, "
      "what\n"
      "   Langfuse has encrypted cannot be read. \"keys\" in manifest.json tells the right key:\n"
      "     printf 'fusebox fingerprint 1 " +
      generation + "' | openssl dgst -sha256 -hmac \"$ENCRYPTION_KEY\"\n";
  return text;
}

}  // namespace fbx::backup
