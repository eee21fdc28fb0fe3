// SPDX-License-Identifier: Apache-2.0
// The grammar against the program that defines it: what Docker Compose reads, we must read alike.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "common/dotenv.hpp"
#include "core/util/error.hpp"
#include "core/util/subprocess.hpp"
#include "tests/support/compose_program.hpp"
#include "tests/support/temp_dir.hpp"

namespace json = boost::json;

namespace {

using Values = std::map<std::string, std::string>;

// Its standard output; "" when it fails or is not there.
std::string compose(std::vector<std::string> words, const std::filesystem::path& folder) {
  fusebox::util::ProcessSpec spec;
  spec.command = fusebox::test::compose_program();
  spec.command.insert(spec.command.end(), words.begin(), words.end());
  spec.cwd = folder;
  std::string out;
  try {
    const auto ended = fusebox::util::run_process(
        spec, [&](std::string_view bytes) { out += bytes; }, {},
        std::chrono::steady_clock::now() + std::chrono::seconds(60), nullptr);
    return ended.ok() ? out : "";
  } catch (const fusebox::Error&) {
    return "";
  }
}

// Compose's output writes $ as $$.
std::string single_dollars(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text.substr(i, 2) == "$$") ++i;
  }
  return out;
}

// Reads every text with Compose: one service each, all in one run.
std::vector<Values> read_by_compose(const std::vector<std::string>& texts) {
  for (const char* name : {"A", "B", "C"}) ::unsetenv(name);
  const fusebox::test::TempDir dir;
  std::ofstream file(dir / "compose.yaml");
  file << "name: t\nservices:\n";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string name = "s" + std::to_string(i);
    std::ofstream(dir / (name + ".env"), std::ios::binary) << texts[i];
    file << "  " << name << ":\n    image: x\n    env_file: [" << name << ".env]\n";
  }
  file.close();
  const std::string out = compose({"-f", "compose.yaml", "config", "--format", "json"}, dir.path());
  REQUIRE_MESSAGE(!out.empty(), "docker compose config failed");
  const json::value parsed = json::parse(out);
  std::vector<Values> all;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const json::object& service = parsed.at("services").at("s" + std::to_string(i)).as_object();
    Values& values = all.emplace_back();
    if (const json::value* environment = service.if_contains("environment"))
      for (const auto& entry : environment->as_object())
        values[std::string(entry.key())] = single_dollars(entry.value().as_string());
  }
  return all;
}

Values read_by_us(const std::string& text) {
  Values values;
  for (const auto& entry : fbx::common::parse_dotenv(text, "e.env").entries)
    values[entry.name] = std::string(entry.value.view());
  return values;
}

}  // namespace

TEST_CASE("Compose reads these files as we do") {
  const std::vector<std::string> texts = {"A=1\r\nB=2\r\n",
                                          "A='x\r\ny'\n",
                                          "\xEF\xBB\xBF"
                                          "A=1",
                                          "A= x y  # c",
                                          "A=x#y",
                                          "A=x\t#y",
                                          "A= #y",
                                          "A='a\\'b'",
                                          "A='a\\\\'",
                                          "A='a\\nb'",
                                          R"(A="a\nb\tc\\d\"e\$f$$g")",
                                          R"(A="\x41\0101\0351\a\q\'")",
                                          R"(A="\01|\0777|\0189|\0")",
                                          "B=1\nA=${B}x$B",
                                          "B=\nA=${B:-d}|${B-d}|${B:+d}|${B+d}",
                                          "B=\nA=${B?msg}",
                                          "A=${B:-${C:-x}}y",
                                          "A=${B:-a}${C:-b}",
                                          "A=$",
                                          "A=$1",
                                          "A=$$x",
                                          "A=a$ b",
                                          "A='$B'",
                                          "A='x' # c\nB=2",
                                          "A='x' B=2",
                                          "export\tA=1",
                                          "exportA=1",
                                          "A =1",
                                          "A: 1",
                                          "A.b-c[0]=1",
                                          "A=x\\ny",
                                          "A=\"${B:-a}b}\"",
                                          "A=${B:-}}",
                                          "A=${B:-{x}}",
                                          "B=1\nA=${B:+${C:-x}}",
                                          "A=${B:-$$}",
                                          R"(A="${B:-\"q\"}")",
                                          "A=1\nA=2",
                                          "A=${B:-x}$1${C:-y}",
                                          "A=${B-x?y}",
                                          "A=${B:-x:?y}",
                                          "A=\vx\v",
                                          "A=\xC2\xA0x",
                                          R"(A="\$B")",
                                          "A=\\$B",
                                          "B=1\nA=\"\\\\$B\"",
                                          "A=\"a\nb # c\""};
  const std::vector<Values> theirs = read_by_compose(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(texts[i]);
    CHECK(read_by_us(texts[i]) == theirs[i]);
  }
}

TEST_CASE("D12: Compose reads back every hostile value that we write") {
  const std::vector<std::string> hostile = {
      "pa$word", "${HOME}", "$$",      "a #b",  "it's", "say \"x\"", "'\"'",
      "end\\",   "end\\\\", "\\'",     "\\\\'", "\\\"", "\\n",       "\\${A}",
      "a\nb\n",  "\r\n",    " outer ", "a=b",   "`id`", "$(id)",     "\xC3\xBC\xE2\x82\xAC",
      "{{ x }}", "#",       "'",       "\"",    "\\",   "$",         "\t"};
  std::vector<std::string> texts;
  for (const std::string& value : hostile) {
    const auto line = fbx::common::dotenv_line("NAME", value);
    texts.emplace_back(line.view());
  }
  const std::vector<Values> theirs = read_by_compose(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(texts[i]);
    CHECK(theirs[i] == Values{{"NAME", hostile[i]}});
  }
}
