// SPDX-License-Identifier: Apache-2.0
#include "config/render.hpp"

#include "config/layers.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

using namespace fusebox::config;

namespace {

constexpr std::string_view sample =
    "[stack]\nname = \"de\\\"mo\"\n[plugins.web]\nports = [1, 2]\n\"a b\".c = 1.0\nempty = {}\n"
    "step = [{ a = true, \"x.y\" = 'z' }]\n";

}  // namespace

TEST_CASE("config show lists each leaf with its place") {
  CHECK(render_with_origins(parse_toml(sample, "f.toml")) ==
        R"(stack.name = "de\"mo"                           # f.toml:2:1
plugins.web.ports = [1, 2]                      # f.toml:4:1
plugins.web."a b".c = 1.0                       # f.toml:5:7
plugins.web.empty = {}                          # f.toml:6:1
plugins.web.step = [{ a = true, "x.y" = "z" }]  # f.toml:7:1
)");
}

TEST_CASE("what config show prints is TOML of the same meaning") {
  Value root = parse_toml(sample, "f.toml");
  root.get_if<Table>()->set("odd", Value{std::string("tab\t nl\n cr\r bell\a back\\ del\x7f"), {}});
  root.get_if<Table>()->set(
      "numbers",
      parse_toml("n = [1e300, -inf, inf, nan, 2.0, 5e-324]", "n").get_if<Table>()->begin()->second);
  const Value again = parse_toml(render_with_origins(root), "again");
  CHECK(to_json(again) == to_json(root));
  CHECK(render_with_origins(Value{std::int64_t{1}, {}}).empty());
  CHECK(origins_json(Value{true, {}}).empty());
}

TEST_CASE("config show as JSON names source, line and column") {
  Value root = parse_toml("a.b = 1\n", "f.toml");
  merge(root, Value{[] {
                      Table table;
                      table.set("c", Value{std::string("x"), {"--set", 0, 0}});
                      return table;
                    }(),
                    {"--set", 0, 0}});
  CHECK(boost::json::serialize(origins_json(root)) ==
        R"([{"key":"a.b","value":1,"source":"f.toml","line":1,"column":3},)"
        R"({"key":"c","value":"x","source":"--set"}])");
}

TEST_CASE("a long value does not push the other origins away") {
  const std::string text = "a = \"" + std::string(100, 'x') + "\"\nb = 1\n";
  CHECK(render_with_origins(parse_toml(text, "f")).ends_with("\nb = 1  # f:2:1\n"));
}
