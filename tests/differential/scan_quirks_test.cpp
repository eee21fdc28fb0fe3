// SPDX-License-Identifier: Apache-2.0
// What gitleaks does that one would not expect, each made on purpose.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/differential/gitleaks.hpp"
#include "tests/differential/samples.hpp"

using namespace fusebox::test;
using namespace std::string_literals;

namespace {

// As files, staged, and committed: the same rules by three ways.
std::size_t compare_all(const Tree& tree, const std::filesystem::path& config = {}) {
  std::size_t found = compare({.kind = Kind::folder, .folder = tree.path(), .config = config});
  tree.init_git();
  tree.git({"add", "-A"});
  found += compare({.kind = Kind::staged, .folder = tree.path(), .config = config});
  tree.git(
      {"commit", "-q", "-m", "title one\ntitle two\n\nbody  line\n\n\n  indented <x> & \"y\""});
  return found + compare({.kind = Kind::history, .folder = tree.path(), .config = config});
}

std::string escaped(const char* form, const std::string& text) {
  std::string out;
  for (const char c : text) out += fmt::format(fmt::runtime(form), static_cast<unsigned>(c));
  return out;
}

}  // namespace

TEST_CASE("lines, columns and the lines of a match are gitleaks'") {
  need_gitleaks();
  Samples samples;
  const Tree tree;
  const auto line = [&] { return fmt::format("api_token = \"{}\"", samples.token(32)); };
  tree.put("lines.txt", line() + "\n" + line() + "\n\n  " + line());
  tree.put("one.txt", "x=\"" + samples.key() + "\"");
  tree.put("crlf.txt", "k=\"" + samples.key() + "\"\r\nz=\"" + samples.key() + "\"\r\n");
  tree.put("allow-before.txt", "a gitleaks:allow\nk=\"" + samples.key() + "\"");
  tree.put("allow.txt",
           "k=\"" + samples.key() + "\" # gitleaks:allow\nz=\"" + samples.key() + "\"\n");
  tree.put("sub dir/\xC3\xA4 \xC3\xBC.txt", "k=\"" + samples.key() + "\"\n");
  CHECK(compare_all(tree) > 20);
}

TEST_CASE("bytes that are no UTF-8 match as a character each") {
  need_gitleaks();
  Samples samples;
  const Tree beside;
  beside.put("rules.toml",
             "[[rules]]\nid = \"some-key\"\nregex = '''_key.{0,3}= \"([a-zA-Z0-9]{32,40})\"'''\n"
             "keywords = [\"_key\"]\n");
  const Tree tree;
  tree.put("latin.txt", "secret_key\xE9 = \"" + samples.token(40) + "\"\n\xFF api_key\xE9= \"" +
                            samples.token(32) + "\"\n");
  tree.put("cut.txt", "api_key\xE2\x82= \"" + samples.token(32) + "\"\n\xED\xA0\x80 \xF0\x9F\x98");
  CHECK(compare_all(tree, beside.path() / "rules.toml") == 9);
}

TEST_CASE("what is encoded is found in its place, however deep") {
  need_gitleaks();
  Samples samples;
  const Tree tree;
  const auto setting = [&] { return fmt::format("api_key=\"{}\"", samples.token(32)); };
  tree.put("base64.txt", "x " + base64(setting()) + " y\n");
  tree.put("hex.txt", hex("k=\"" + samples.key() + "\"") + "\n");
  tree.put("percent.txt", escaped("%{:02x}", setting()) + "\n");
  tree.put("unicode.txt", escaped("\\u{:04x}", "k=\"" + samples.key() + "\"") + "\n");
  tree.put("points.txt", escaped("U+{:04X} ", "k=\"" + samples.key() + "\"") + "end\n");
  tree.put("nested.txt", base64(base64("k=\"" + samples.key() + "\" %41")) + "\n");
  tree.put("mixed.txt", "token=%22" + base64(samples.key()) + "%22\n");
  std::string row;
  for (int i = 0; i < 4; ++i) row += base64(samples.key()) + "%2F";
  tree.put("touching.txt", "api_key=\"" + base64(samples.token(20)) + base64(samples.key()) +
                               "\"\n" + row + "\n" + "\\\\\\u0041" + row + "U+0041" + row);
  CHECK(compare_all(tree) > 8);
  for (const int depth : {0, 1, 2}) {
    Case shallow{.kind = Kind::folder, .folder = tree.path()};
    shallow.flags = {fmt::format("--max-decode-depth={}", depth)};
    shallow.options.max_decode_depth = depth;
    compare(shallow);
  }
}

TEST_CASE("a large file is cut where gitleaks cuts it") {
  need_gitleaks();
  Samples samples;
  const Tree tree;
  std::string lines;
  for (int i = 0; i < 6000; ++i) {
    lines += fmt::format("line {} some text here {}\n", i, samples.token(40));
    if (samples.below(500) == 0) lines += "\n\n";
    if (samples.below(60) == 0) lines += fmt::format("k = \"{}\"\n", samples.key());
  }
  tree.put("lines.txt", lines);
  tree.put("one-line.txt", std::string(330'000, 'a') + " \"" + samples.key() + "\" " +
                               std::string(150'000, 'b') + " \"" + samples.key() + "\"");
  std::string feeds;
  for (int i = 0; i < 100'000; ++i) feeds += "x\n";
  tree.put("feeds.txt", feeds + "\"" + samples.key() + "\"");
  std::string gaps;
  for (int i = 0; i < 1500; ++i) gaps += "word word word word word word word word word\n \t\n";
  tree.put("gaps.txt", gaps + "\"" + samples.key() + "\"");
  CHECK(compare({.kind = Kind::folder, .folder = tree.path()}) > 50);
}

TEST_CASE("names and first bytes leave files out as in gitleaks") {
  need_gitleaks();
  Samples samples;
  const Tree tree;
  const std::string line = "k=\"" + samples.key() + "\"";
  for (const char* name :
       {"a.json.gz", "b.target.txt", "c.lz", "d.lzx", "e.brand.ts", "f.s2", "go.sum", "GO.SUM",
        "gitleaks.toml", "img.PNG", "node_modules/x.js", "sub/a.7z.txt", "x.p12", "y.pfx"})
    tree.put(name, line);
  for (const auto& [name, head] : std::initializer_list<std::pair<const char*, std::string>>{
           {"mz", "MZ"},
           {"ps", "%!PS"},
           {"bm", "BM"},
           {"elf",
            "\x7F"
            "ELF" +
                std::string(60, '\0')},
           {"zip", "PK\3\4"},
           {"ole", "\xD0\xCF\x11\xE0"},
           {"tar", std::string(257, 'x') + "ustar"},
           {"gif-tar", "GIF" + std::string(254, 'x') + "ustar"},
           {"late", "\nMZ"},
           {"rtf", "{\\rtf"},
           {"dex", "dex\n" + std::string(32, '\0') + "p"},
           {"gz", "\x1F\x8B\x08"},
           {"nul", std::string(100, '\0')}})
    tree.put(name, head + " " + line + "\n");
  CHECK(compare_all(tree) > 10);
}

TEST_CASE("links, what is ignored, and rules of the source itself") {
  need_gitleaks();
  Samples samples;
  const Tree tree;
  tree.put("a.txt", samples.key());
  tree.put("b/c.txt", samples.key());
  tree.put("d.txt", samples.key());
  std::filesystem::create_symlink("a.txt", tree.path() / "link.txt");
  std::filesystem::create_symlink("b", tree.path() / "link-to-folder");
  std::filesystem::create_symlink("loop", tree.path() / "loop");
  Case follow{.kind = Kind::folder, .folder = tree.path(), .flags = {"--follow-symlinks"}};
  follow.options.follow_symlinks = true;
  CHECK(compare(follow) == 4);
  tree.put(".gitleaksignore",
           "# kept\na.txt:stripe-access-token:1\nb\\c.txt:stripe-access-token:1\nweird\n");
  CHECK(compare({.kind = Kind::folder, .folder = tree.path()}) == 1);
  tree.put(".gitleaks.toml", "[extend]\nuseDefault = true\n# " + samples.key() + "\n");
  CHECK(compare_all(tree) > 0);
}
