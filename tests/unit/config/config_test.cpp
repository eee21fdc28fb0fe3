// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include "config/config_error.hpp"
#include "config/render.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace fusebox::config;
namespace fs = std::filesystem;

namespace {

// A folder of its own, gone with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "fusebox-config-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = fs::canonical(name);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }
  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }

 private:
  fs::path path_;
};

LoadOptions options_for(const fs::path& file) {
  LoadOptions options;
  options.file = file;
  return options;
}

// The errors of load(), with the folder's name cut out.
std::string errors_of(const LoadOptions& options, const Folder& folder) {
  std::string text = "accepted";
  try {
    load(options);
  } catch (const ConfigError& error) {
    text = error.what();
  }
  const std::string prefix = folder.path().string() + "/";
  for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
    text.erase(at, prefix.size());
  }
  return text;
}

// What overrides make of a file, as `config show` prints it.
std::string shown(const std::string& text, const LoadOptions& options) {
  return render_with_origins(load(parse_toml(text, "f.toml"), options).root);
}

const std::string stack = "[stack]\nname = \"x\"\n";

}  // namespace

TEST_CASE("a whole configuration becomes typed") {
  const Folder folder;
  const fs::path file = folder.write("fusebox.toml", R"(
[stack]
name = "langfuse-prod"
versions = "versions.lock"
state_dir = "state"
plugin_dirs = ["plugins", "/opt/plugins"]

[use]
runtime = "engine"

[plugins.engine]
use = "some-runtime"
socket = "/x"

[phases.deploy]
on_failure = "continue"
steps = [
  "engine.up",
  { step = "web.check", timeout = "1m30s", retries = 2, with = { url = "http://x" } },
  ["one.check", "two.check"],
]
[phases.stop]
on_failure = "stop"
steps = []

[commands.db-shell]
help = "a shell"
service = "postgres"
command = ["psql", "-U", "x"]
environment = { PGPASSWORD = { secret = "PW" }, A = "b" }
)");
  const Config config = load(options_for(file));
  CHECK(config.file == file);
  CHECK(config.dir == folder.path());
  CHECK(config.stack == "langfuse-prod");
  CHECK(config.versions == folder.path() / "versions.lock");
  CHECK(config.state_dir == folder.path() / "state");
  CHECK(config.plugin_dirs == std::vector<fs::path>{folder.path() / "plugins", "/opt/plugins"});
  CHECK(config.use.at("runtime") == "engine");

  const PluginConfig* engine = config.plugin("engine");
  REQUIRE(engine != nullptr);
  CHECK(engine->use == "some-runtime");
  CHECK(to_toml(engine->settings) == "{ socket = \"/x\" }");
  CHECK_FALSE(engine->implied);
  CHECK(config.plugin("none") == nullptr);

  const PhaseConfig* deploy = config.phase("deploy");
  REQUIRE(deploy != nullptr);
  CHECK(deploy->on_failure == OnFailure::keep_going);
  REQUIRE(deploy->groups.size() == 3);
  const StepConfig& up = deploy->groups[0][0];
  CHECK(up.instance == "engine");
  CHECK(up.verb == "up");
  CHECK_FALSE(up.timeout);
  CHECK_FALSE(up.retries);
  CHECK(to_toml(up.with) == "{}");
  const StepConfig& check = deploy->groups[1][0];
  CHECK(check.timeout == std::chrono::seconds(90));
  CHECK(check.retries == 2);
  CHECK(to_toml(check.with) == "{ url = \"http://x\" }");
  CHECK(deploy->groups[2].size() == 2);
  CHECK(config.phase("stop")->on_failure == OnFailure::stop);
  CHECK(config.phase("stop")->groups.empty());
  CHECK(config.phase("none") == nullptr);

  REQUIRE(config.commands.size() == 1);
  CHECK(config.commands[0].name == "db-shell");
  CHECK(config.commands[0].help == "a shell");
  CHECK(config.commands[0].service == "postgres");
  CHECK(config.commands[0].command == std::vector<std::string>{"psql", "-U", "x"});
  CHECK(to_toml(config.commands[0].environment) ==
        R"({ PGPASSWORD = { secret = "PW" }, A = "b" })");
}

TEST_CASE("a plugin that only a step or [use] names needs no table") {
  const Config config = load(
      parse_toml(stack + "[use]\nruntime = \"engine\"\n[phases.up]\nsteps = [\"a.b\", \"a.c\"]\n",
                 "f.toml"),
      options_for("f.toml"));
  REQUIRE(config.plugins.size() == 2);
  CHECK(config.plugins[0].instance == "engine");
  CHECK(config.plugins[0].origin.str() == "f.toml:4:1");
  CHECK(config.plugins[1].use == "a");
  CHECK(config.plugins[1].implied);
  CHECK(config.plugins[1].origin.str() == "f.toml:6:10");
}

TEST_CASE("the state folder is the stack's, below the user's") {
  const auto state_dir = [] {
    return load(parse_toml(stack, "f.toml"), options_for("f.toml")).state_dir;
  };
#if !defined(__APPLE__)
  setenv("XDG_STATE_HOME", "/var/lib/states", 1);
  CHECK(state_dir() == "/var/lib/states/fusebox/x");
  setenv("XDG_STATE_HOME", "relative", 1);
  CHECK(state_dir() == "/home/somebody/.local/state/fusebox/x");
  unsetenv("XDG_STATE_HOME");
  CHECK(state_dir() == "/home/somebody/.local/state/fusebox/x");
#else
  CHECK(state_dir() == "/home/somebody/Library/Application Support/fusebox/x");
#endif
  unsetenv("HOME");
  CHECK_THROWS_WITH_AS(state_dir(),
                       "f.toml:1:2: no folder for the stack's state: HOME is not set (set HOME, or "
                       "[stack] state_dir)",
                       ConfigError);
  setenv("HOME", "/home/somebody", 1);
}

TEST_CASE("layers merge key by key, and each value knows its file") {
  const Folder folder;
  folder.write("base/one.toml",
               "include = ['two.toml']\n[plugins.web]\nport = 1\ntags = ['a', 'b']\nurl = 'one'\n");
  folder.write("base/two.toml", "[plugins.web]\nport = 2\nuser = 'two'\ndata = 'd'\n");
  const fs::path file = folder.write("fusebox.toml", "include = ['base/one.toml', 'last.toml']\n" +
                                                         stack + "[plugins.web]\ntags = ['c']\n");
  folder.write("last.toml", "[plugins.web]\nurl = 'last'\n");
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  const Config config = load(options_for("fusebox.toml"));
  fs::current_path(before);
  CHECK(render_with_origins(config.root) ==
        R"(plugins.web.port = 1      # base/one.toml:3:1
plugins.web.user = "two"  # base/two.toml:3:1
plugins.web.data = "d"    # base/two.toml:4:1
plugins.web.tags = ["c"]  # fusebox.toml:5:1
plugins.web.url = "last"  # last.toml:2:1
stack.name = "x"          # fusebox.toml:3:1
)");
  CHECK(config.file == file);
  CHECK(config.plugin("web")->origin.str() == "fusebox.toml:4:10");
}

TEST_CASE("what cannot be included is refused at the line that asks for it") {
  const Folder folder;
  const auto errors = [&](const std::string& text) {
    return errors_of(options_for(folder.write("f.toml", text + stack)), folder);
  };
  folder.write("loop.toml", "include = ['f.toml']\n");
  CHECK(errors("include = [\n  'loop.toml']\n") ==
        "loop.toml:1:12: files include each other: f.toml -> loop.toml -> f.toml (remove one of "
        "the includes)");
  CHECK(errors("include = ['./f.toml']\n") ==
        "f.toml:1:12: files include each other: f.toml -> f.toml (remove one of the includes)");
  CHECK(errors("include = ['none.toml']\n") ==
        "f.toml:1:12: cannot open none.toml: No such file or directory");
  CHECK(errors("include = 'base.toml'\n") ==
        "f.toml:1:1: \"include\" at the top level must be a list, not a string");
  CHECK(errors("include = [1]\n") ==
        "f.toml:1:12: \"include[0]\" at the top level must be a string, not an integer");
  folder.write("broken.toml", "a = \n");
  CHECK(errors("include = ['broken.toml']\n").starts_with("broken.toml:1:5: expected value"));
  CHECK(errors("include = ['/nowhere/x.toml', 'y']\n") ==
        "f.toml:1:12: cannot open /nowhere/x.toml: No such file or directory");
  CHECK(errors("include = ['~/x.toml']\n") ==
        "f.toml:1:12: cannot open /home/somebody/x.toml: No such file or directory");
  CHECK(errors_of(options_for(folder.path()), folder).find("Is a directory") != std::string::npos);
}

TEST_CASE("includes that double at each level are bounded") {
  const Folder folder;
  for (int i = 0; i < 20; ++i) {
    folder.write(fmt::format("{}.toml", i),
                 fmt::format("include = ['{0}.toml', '{0}.toml']\n", i + 1));
  }
  folder.write("20.toml", "");
  CHECK(errors_of(options_for(folder.path() / "0.toml"), folder)
            .ends_with("more than 256 files are included"));
}

TEST_CASE("--set takes TOML, and text without quotes") {
  LoadOptions options = options_for("f.toml");
  options.set = {"a.int=1",           "a.bool=true",
                 "a.list=[1, 'x']",   "a.table={ b = 1 }",
                 "a.text=some text",  "a.date=2024-01-01",
                 "a.\"b.c=d\".e=1=2", "a.lines=1\nb = 2",
                 "a.empty=",          "a.int=2"};
  options.set.insert(options.set.begin(), "stack.name=set");
  Value root = parse_toml(stack, "f.toml");
  // `a` is no key of fusebox's, so the settings of a plugin carry it.
  for (std::string& argument : options.set) {
    if (argument.starts_with("a.")) argument.insert(0, "plugins.");
  }
  CHECK(render_with_origins(load(std::move(root), options).root) ==
        R"(stack.name = "set"             # --set
plugins.a.int = 2              # --set
plugins.a.bool = true          # --set
plugins.a.list = [1, "x"]      # --set
plugins.a.table.b = 1          # --set
plugins.a.text = "some text"   # --set
plugins.a.date = "2024-01-01"  # --set
plugins.a."b.c=d".e = "1=2"    # --set
plugins.a.lines = "1\nb = 2"   # --set
plugins.a.empty = ""           # --set
)");
}

TEST_CASE("--set that is malformed is refused without showing the value") {
  struct Case {
    const char* argument;
    const char* error;
  };
  const std::vector<Case> cases = {
      {"stack.name",
       "--set: \"stack.name\" is not of the form a.b=value (write --set stack.name=demo)"},
      {"=x", "--set: \"\" is not of the form a.b=value (write --set stack.name=demo)"},
      {"a..b=hunter2",
       "--set: \"a..b\" is not of the form a.b=value (write --set stack.name=demo)"},
      {"a.=1", "--set: \"a.\" is not of the form a.b=value (write --set stack.name=demo)"},
      {"\"a=hunter2", "--set: \"\"a\" is not of the form a.b=value (write --set stack.name=demo)"},
      {"\"a\"b=1", "--set: \"\"a\"b\" is not of the form a.b=value (write --set stack.name=demo)"},
      {"a=\xff", "--set: is not valid UTF-8"},
      {"stack.name.x=1", "--set: \"name\" is a string, not a table (it was set at f.toml:2:1)"},
      {"stack.nmae=1", "--set: unknown key \"nmae\" in [stack] (did you mean \"name\"?)"},
      {"stack=1", "--set: \"stack\" at the top level must be a table, not an integer"},
  };
  for (const Case& item : cases) {
    CAPTURE(item.argument);
    LoadOptions options = options_for("f.toml");
    options.set = {item.argument};
    CHECK_THROWS_WITH_AS(load(parse_toml(stack, "f.toml"), options), item.error, ConfigError);
  }
}

TEST_CASE("variables of the environment set keys, two underscores for each dot") {
  LoadOptions options = options_for("f.toml");
  options.environment = {{"FUSEBOX_STACK__NAME", "env"},
                         {"FUSEBOX_PLUGINS__PROBE_REDIS__MAX_LATENCY", "5ms"},
                         {"FUSEBOX_PLUGINS__PROBE_REDIS__PORT", "7"},
                         {"FUSEBOX_PLUGINS__NEW_ONE__SOME_KEY", "[1]"},
                         {"FUSEBOX_HOME", "/ignored"},
                         {"FUSEBOX__X", "ignored"},
                         {"FUSEBOX_stack__name", "ignored"},
                         {"OTHER__X", "ignored"}};
  CHECK(shown(stack + "[plugins.probe-redis]\nport = 1\nmax-latency = '1s'\n", options) ==
        R"(stack.name = "env"                       # FUSEBOX_STACK__NAME
plugins.probe-redis.port = 7             # FUSEBOX_PLUGINS__PROBE_REDIS__PORT
plugins.probe-redis.max-latency = "5ms"  # FUSEBOX_PLUGINS__PROBE_REDIS__MAX_LATENCY
plugins.new-one.some_key = [1]           # FUSEBOX_PLUGINS__NEW_ONE__SOME_KEY
)");
}

TEST_CASE("variables that are malformed are refused by name") {
  struct Case {
    const char* name;
    const char* text;
    const char* error;
  };
  for (const Case& item : std::vector<Case>{
           {"FUSEBOX_STACK____NAME", "x",
            "FUSEBOX_STACK____NAME: is not of the form FUSEBOX_A__B (two underscores stand for a "
            "dot)"},
           {"FUSEBOX_STACK__", "x",
            "FUSEBOX_STACK__: is not of the form FUSEBOX_A__B (two underscores stand for a dot)"},
           {"FUSEBOX_STACK__NAME", "\xff", "FUSEBOX_STACK__NAME: is not valid UTF-8"},
           {"FUSEBOX_STACK__NAME__X", "x",
            "FUSEBOX_STACK__NAME__X: \"name\" is a string, not a table (it was set at f.toml:2:1)"},
           {"FUSEBOX_STACK__NMAE", "x",
            "FUSEBOX_STACK__NMAE: unknown key \"nmae\" in [stack] (did you mean \"name\"?)"}}) {
    CAPTURE(item.name);
    LoadOptions options = options_for("f.toml");
    options.environment = {{item.name, item.text}};
    CHECK_THROWS_WITH_AS(load(parse_toml(stack, "f.toml"), options), item.error, ConfigError);
  }
}

TEST_CASE("later layers win: file, environment, --set, --use") {
  LoadOptions options = options_for("f.toml");
  const std::string text = stack + "[use]\nruntime = \"file\"\n";
  options.environment = {{"FUSEBOX_USE__RUNTIME", "env"}};
  CHECK(load(parse_toml(text, "f.toml"), options).use.at("runtime") == "env");
  options.set = {"use.runtime=set"};
  CHECK(load(parse_toml(text, "f.toml"), options).use.at("runtime") == "set");
  options.use = {{"runtime", "flag"}, {"secrets", "vault"}};
  const Config config = load(parse_toml(text, "f.toml"), options);
  CHECK(config.use.at("runtime") == "flag");
  CHECK(config.use.at("secrets") == "vault");
  CHECK(config.plugin("vault")->origin.str() == "--use");
}

TEST_CASE("a relative path of --set starts at the current folder, of a variable at the file's") {
  const Folder folder;
  LoadOptions options = options_for(folder.write("f.toml", stack));
  options.set = {"stack.state_dir=here"};
  CHECK(load(options).state_dir == fs::current_path() / "here");
  options.set.clear();
  options.environment = {{"FUSEBOX_STACK__STATE_DIR", "here"}};
  CHECK(load(options).state_dir == folder.path() / "here");
}

TEST_CASE("problems come in the order of the file, those of flags last") {
  const Folder folder;
  folder.write("b.toml", "[phases.up]\nsteps = 1\n");
  LoadOptions options =
      options_for(folder.write("f.toml", "include = ['b.toml']\n[zzz]\n[stack]\n"));
  options.set = {"stack.nmae=x", "broken"};
  CHECK(errors_of(options, folder) ==
        "b.toml:2:1: \"steps\" in [phases.up] must be a list, not an integer\n"
        "f.toml:2:2: unknown key \"zzz\" at the top level (known: stack, plugins, use, phases, "
        "commands)\n"
        "f.toml:3:2: [stack] has no \"name\" (write name = \"langfuse\")\n"
        "--set: \"broken\" is not of the form a.b=value (write --set stack.name=demo)\n"
        "--set: unknown key \"nmae\" in [stack] (did you mean \"name\"?)");
}

TEST_CASE("the nearest fusebox.toml above is found") {
  const Folder folder;
  const fs::path file = folder.write("fusebox.toml", "");
  fs::create_directories(folder.path() / "a/b/fusebox.toml");  // a folder is no configuration
  CHECK(find_config(folder.path() / "a/b") == file);
  CHECK(find_config(folder.path()) == file);
  fs::remove(file);
  CHECK(find_config(folder.path() / "a") != file);
}

TEST_CASE("the example of the reference is valid") {
  std::ifstream in(FUSEBOX_DOCS_DIR "/CONFIG.md");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t start = text.find("```toml\n");
  REQUIRE(start != std::string::npos);
  const std::size_t end = text.find("```\n", start + 8);
  const Folder folder;
  folder.write("base.toml", "");
  const Config config =
      load(options_for(folder.write("f.toml", text.substr(start + 8, end - start - 8))));
  CHECK(config.stack == "langfuse-prod");
  CHECK(config.phase("deploy")->groups.size() == 3);
}
