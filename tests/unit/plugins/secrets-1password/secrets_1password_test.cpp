// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "op_world.hpp"
#include "tests/support/configured_plugin.hpp"
#include "tests/support/run_child.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace fusebox::test;

namespace {

constexpr const char* usual_template =
    "# where from\n"
    "SALT=op://Prod/langfuse/salt\n"
    "DB_PASSWORD=op://${VAULT:-Prod}/langfuse/db/password\n"
    "DB_URL=postgresql://{{ op://Prod/langfuse/user }}:op://Prod/langfuse/db/password@host/db\n"
    "LANGFUSE_HOST=http://localhost:3000 # plain\n";

struct Fixture : OpWorld {
  FakeHost host;
  fs::path file = dir / "secrets.env.template";

  Fixture() {
    host.run_process = run_child;
    write(usual_template);
  }
  void write(std::string_view text) const { std::ofstream(file, std::ios::binary) << text; }

  LoadedPlugin plugin(json::object settings = {}) {
    json::object config{{"vault", ""}, {"item", "langfuse"}, {"account", ""}, {"sign_in", "auto"}};
    for (auto& setting : settings) config[setting.key()] = setting.value();
    return LoadedPlugin(host, PLUGIN_FILE,
                        json::serialize(json::object{{"instance", "secrets"},
                                                     {"stack", "test"},
                                                     {"config_dir", dir.path().string()},
                                                     {"state_dir", (dir / "state").string()},
                                                     {"config", config}}));
  }
};

std::string step(const std::vector<std::string>& secrets) {
  json::array names;
  for (const auto& name : secrets) names.emplace_back(name);
  return json::serialize(json::object{{"verb", "resolve"},
                                      {"phase", "deploy"},
                                      {"run", "r1"},
                                      {"with", json::object{}},
                                      {"secrets", names}});
}

json::value parsed(const Answer& answer) { return json::parse(answer.text); }

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "values go from op to the host, and only those that the phase needs") {
  const Answer answer = plugin().run(step({"SALT", "DB_PASSWORD"}));
  REQUIRE(answer.rc == FBX_OK);
  CHECK(parsed(answer).at("summary").as_string() == "2 secrets from 1Password");
  CHECK(host.secrets ==
        std::map<std::string, std::string>{{"SALT", "salt-value"}, {"DB_PASSWORD", "pw-value"}});
}

TEST_CASE_FIXTURE(Fixture, "references within a text, variables and plain texts are resolved") {
  const Answer answer = plugin({{"vault", "prod"}}).secrets_resolve("{}");
  CHECK(answer.text == R"({"resolved":["SALT","DB_PASSWORD","DB_URL","LANGFUSE_HOST"]})");
  CHECK(host.secrets.at("DB_URL") ==
        "postgresql://u:" + host.secrets.at("DB_PASSWORD") + "@host/db");
  CHECK(host.secrets.at("DB_PASSWORD") == "pw-value");
  CHECK(host.secrets.at("LANGFUSE_HOST") == "http://localhost:3000");
}

TEST_CASE_FIXTURE(Fixture,
                  "D10: sign-in is proven by whoami, then one inject; accounts are never listed") {
  REQUIRE(plugin({{"account", "my"}}).secrets_resolve("{}").rc == FBX_OK);
  CHECK(calls() == "whoami --format json --account my \ninject --account my \n");
}

TEST_CASE_FIXTURE(Fixture,
                  "D10: when nobody is signed in, it stops at whoami and says how to sign in") {
  set({{"signed_in", false}});
  const Answer answer = plugin().run(step({"SALT"}));
  CHECK(answer.rc == FBX_DENIED);
  CHECK(has(answer.what,
            "nobody is signed in to 1Password; `op whoami` says: You are not currently"));
  CHECK(has(answer.hint, "op signin"));
  CHECK(calls() == "whoami --format json \n--version \n");
  CHECK(host.secrets.empty());
}

TEST_CASE_FIXTURE(Fixture, "D11: a reference that does not resolve is named, with op's own text") {
  write("SALT=op://Prod/langfuse/salt\nOTHER=op://Prod/langfuse/nope\n");
  const Answer answer = plugin().run(step({"SALT", "OTHER"}));
  CHECK(answer.rc == FBX_NOT_FOUND);
  CHECK(has(answer.what,
            "no such field in that item: OTHER (op://Prod/langfuse/nope); `op inject` "
            "says: could not read secret"));
  CHECK(has(answer.what, "does not have a field 'nope'"));
  CHECK(host.secrets.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "D12: values with $, hashes, quotes, line breaks and braces arrive unchanged") {
  const std::vector<std::string> hostile = {"pa$word ${HOME} $$",
                                            "a #b",
                                            "it's \"quoted\"",
                                            "line\nbreak\n",
                                            "\r\n",
                                            "{{ x }}y",
                                            "}}",
                                            "\\n\\\\",
                                            "`id`",
                                            "\xC3\xBC\xE2\x82\xAC",
                                            "=",
                                            " outer ",
                                            "NAME=op://a/b/c",
                                            "%s"};
  json::object fields;
  std::string text;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < hostile.size(); ++i) {
    const std::string name = "N" + std::to_string(i);
    fields[name] = hostile[i];
    names.push_back(name);
    text += name + "=op://Prod/langfuse/" + name + "\n";
  }
  set({{"vaults", {{"Prod", {{"langfuse", fields}}}}}});
  write(text);
  REQUIRE(plugin().run(step(names)).rc == FBX_OK);
  for (std::size_t i = 0; i < hostile.size(); ++i) CHECK(host.secrets.at(names[i]) == hostile[i]);
}

TEST_CASE_FIXTURE(Fixture, "a missing op is told with how to install it") {
  ::setenv("PATH", "/nonexistent", 1);
  const Answer answer = plugin().run(step({"SALT"}));
  CHECK(answer.rc == FBX_NOT_FOUND);
  CHECK(has(answer.what, "op, is not installed or not in PATH"));
  CHECK(has(answer.hint, "https://developer.1password.com/docs/cli/get-started"));
}

TEST_CASE_FIXTURE(Fixture, "an op too old for service accounts is told from a missing sign-in") {
  set({{"version", "2.17.0"}, {"signed_in", false}});
  CHECK(has(plugin().run(step({"SALT"})).what, "nobody is signed in"));
  ::setenv("OP_SERVICE_ACCOUNT_TOKEN", "ops_good", 1);
  const Answer answer = plugin().run(step({"SALT"}));
  CHECK(answer.rc == FBX_UNSUPPORTED);
  CHECK(has(answer.what, "this op is too old; `op whoami` says: (op 2.17.0)"));
  set({{"version", "2.18.0"}, {"accounts", json::array{}}});
  CHECK(plugin().run(step({"SALT"})).rc == FBX_OK);
}

TEST_CASE_FIXTURE(Fixture, "a refused service-account token is told") {
  ::setenv("OP_SERVICE_ACCOUNT_TOKEN", "ops_bad", 1);
  const Answer answer = plugin().run(step({"SALT"}));
  CHECK(answer.rc == FBX_DENIED);
  CHECK(has(answer.what, "1Password refuses this sign-in"));
  CHECK_FALSE(has(answer.what + answer.hint, "ops_bad"));
}

TEST_CASE_FIXTURE(Fixture, "a rate limit can be retried later, and says when") {
  set({{"fail",
        {{"inject",
          "(429) Too Many Requests: You've reached the maximum number of this type of requests "
          "this "
          "service account is allowed to make. Please retry in 59 minutes and 1 second"}}}});
  const Answer answer = plugin().run(step({"SALT"}));
  CHECK(answer.rc == FBX_UNAVAILABLE);
  CHECK(answer.hint.starts_with("retry in 59 minutes and 1 second"));
}

TEST_CASE_FIXTURE(Fixture,
                  "an error that nobody knows is shown as it is, and blames no reference") {
  set({{"fail", {{"inject", "the flux capacitor of langfuse/salt is empty"}}}});
  const Answer answer = plugin().run(step({"SALT"}));
  CHECK(answer.rc == FBX_IO);
  CHECK(answer.what ==
        "op failed, for a reason that this plugin does not know; `op inject` says: the flux "
        "capacitor of langfuse/salt is empty");
}

TEST_CASE_FIXTURE(
    Fixture, "a Connect server needs no whoami, and both kinds of token at once are warned about") {
  set({{"accounts", json::array{}}});
  ::setenv("OP_CONNECT_HOST", "http://connect", 1);
  auto p = plugin();
  CHECK(p.run(step({"SALT"})).rc == FBX_DENIED);
  CHECK(host.logged("warn: of OP_CONNECT_HOST and OP_CONNECT_TOKEN only OP_CONNECT_HOST is set"));
  ::setenv("OP_CONNECT_TOKEN", "t", 1);
  ::setenv("OP_SERVICE_ACCOUNT_TOKEN", "ops_bad", 1);
  fs::remove(dir / "calls");
  host.log.clear();
  CHECK(p.run(step({"SALT"})).rc == FBX_OK);
  CHECK(calls() == "inject \n");
  CHECK(host.logged("warn: OP_CONNECT_HOST and OP_CONNECT_TOKEN are set and win over"));
}

TEST_CASE_FIXTURE(Fixture, "a chosen way to sign in hides the variables of the others from op") {
  ::setenv("OP_CONNECT_HOST", "http://connect", 1);
  ::setenv("OP_CONNECT_TOKEN", "t", 1);
  ::setenv("OP_SERVICE_ACCOUNT_TOKEN", "ops_bad", 1);
  CHECK(plugin({{"sign_in", "service-account"}}).run(step({"SALT"})).rc == FBX_DENIED);
  CHECK(plugin({{"sign_in", "desktop"}}).run(step({"SALT"})).rc == FBX_OK);
  CHECK(plugin({{"sign_in", "connect"}}).run(step({"SALT"})).rc == FBX_OK);
  CHECK(host.log.empty());
  ::unsetenv("OP_CONNECT_TOKEN");
  ::unsetenv("OP_SERVICE_ACCOUNT_TOKEN");
  CHECK(has(plugin({{"sign_in", "connect"}}).run(step({"SALT"})).what, "are not both set"));
  CHECK(has(plugin({{"sign_in", "service-account"}}).run(step({"SALT"})).what,
            "OP_SERVICE_ACCOUNT_TOKEN is not set"));
}

TEST_CASE_FIXTURE(Fixture,
                  "a value that is still a reference, or empty, is an error that names it") {
  set({{"vaults",
        {{"Prod", {{"langfuse", {{"salt", "op://Prod/langfuse/other"}, {"empty", ""}}}}}}}});
  const Answer unresolved = plugin().run(step({"SALT"}));
  CHECK(unresolved.rc == FBX_NOT_FOUND);
  CHECK(unresolved.what == "op left references as they are: SALT (op://Prod/langfuse/salt)");
  write("E=op://Prod/langfuse/empty\n");
  CHECK(plugin().run(step({"E"})).what == "empty in 1Password: E (op://Prod/langfuse/empty)");
  CHECK(host.secrets.empty());
}

TEST_CASE_FIXTURE(Fixture, "an answer of another form than asked for is refused, not guessed at") {
  host.run_process = [](std::string_view request, std::string_view input) {
    FakeHost::Process process = run_child(request, input);
    if (has(request, "inject")) process.out = "SALT=abc\n";
    return process;
  };
  const Answer answer = plugin().run(step({"SALT"}));
  CHECK(answer.rc == FBX_UNSUPPORTED);
  CHECK_FALSE(has(answer.what, "abc"));
}

TEST_CASE_FIXTURE(Fixture, "planning reads the template alone, and refuses what cannot work") {
  auto p = plugin();
  const Answer answer = p.plan(step({"SALT", "DB_URL"}));
  CHECK(answer.rc == FBX_OK);
  CHECK(parsed(answer).at("actions").as_array()[0].as_string() ==
        "sign in to 1Password, and resolve 3 references in one go (" + file.string() + ")");
  const Answer missing = p.plan(step({"SALT", "A", "B"}));
  CHECK(missing.rc == FBX_NOT_FOUND);
  CHECK(missing.what == file.string() + " says nothing about A and B");
  write("A=op://Prod/langfuse\n");
  const Answer invalid = p.plan(step({"A"}));
  CHECK(invalid.rc == FBX_CONFIG);
  CHECK(has(invalid.what, file.string() + ":1: A: \"op://Prod/langfuse\" needs a vault"));
  write("A=op://${VAULT}/langfuse/a\n");
  const Answer unset = p.plan(step({"A"}));
  CHECK(unset.rc == FBX_CONFIG);
  CHECK(has(unset.what, file.string() + ":1:8: in the value of A: the variable"));
  CHECK(plugin({{"vault", "Prod"}}).plan(step({"A"})).rc == FBX_OK);
  fs::remove(file);
  CHECK(p.plan(step({"A"})).rc == FBX_NOT_FOUND);
  CHECK(calls().empty());
}

TEST_CASE_FIXTURE(Fixture, "names that need no reference ask nothing of op") {
  ::setenv("PATH", "/nonexistent", 1);
  CHECK(plugin().run(step({"LANGFUSE_HOST"})).rc == FBX_OK);
  CHECK(host.secrets.at("LANGFUSE_HOST") == "http://localhost:3000");
}

TEST_CASE_FIXTURE(Fixture, "the list comes from the template, without asking op") {
  const json::value answer = parsed(plugin().secrets_list());
  const json::array& secrets = answer.at("secrets").as_array();
  REQUIRE(secrets.size() == 4);
  CHECK(secrets[0] == json::value{{"name", "SALT"}, {"origin", "op://Prod/langfuse/salt"}});
  CHECK(secrets[3] == json::value{{"name", "LANGFUSE_HOST"},
                                  {"origin", file.string() + ":5 (plain text)"},
                                  {"present", true}});
  CHECK(calls().empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "a check resolves all, keeps nothing, and reports what is wrong as a finding") {
  auto p = plugin();
  const json::value good = parsed(p.secrets_check());
  CHECK(good.at("status").as_string() == "degraded");
  CHECK(good.at("findings").as_array().size() == 2);
  CHECK(good.at("findings").as_array()[0].at("what").as_string() ==
        "SALT is shorter than 12 characters");
  CHECK(has(good.at("summary").as_string(), "4 references of " + file.string() + ", all resolved"));
  CHECK(has(good.at("summary").as_string(), "signed in at https://test.1password.com"));
  CHECK(host.secrets.empty());
  write("A=op://Nope/langfuse/salt\n");
  const json::value bad = parsed(p.secrets_check());
  CHECK(bad.at("status").as_string() == "unhealthy");
  CHECK(has(bad.at("findings").as_array()[0].at("what").as_string(),
            "no such vault, or no right to see it: A (op://Nope/langfuse/salt)"));
}

TEST_CASE_FIXTURE(Fixture,
                  "a template refers to the configured vault and item, and can be read back") {
  const std::string request = R"({"names":["SALT","DB_PASSWORD"]})";
  const std::string text =
      plugin({{"vault", "Prod"}, {"item", "stack"}}).secrets_template(request).text;
  CHECK(has(text,
            "\nSALT=op://${VAULT:-Prod}/stack/salt\nDB_PASSWORD=op://${VAULT:-Prod}/stack/"
            "db_password\n"));
  write(text);
  CHECK(plugin().plan(step({"SALT", "DB_PASSWORD"})).rc == FBX_OK);
}

TEST_CASE_FIXTURE(Fixture, "the template that comes along is valid") {
  const Answer answer = plugin({{"template", SHIPPED_TEMPLATE}}).secrets_list();
  REQUIRE(answer.rc == FBX_OK);
  CHECK(has(answer.text, R"({"name":"SALT","origin":"op://Langfuse-Prod/langfuse/salt"})"));
  CHECK_FALSE(has(answer.text, "plain text"));
}

TEST_CASE_FIXTURE(Fixture, "a canary is found nowhere but in the world of the stand-in") {
  const std::string canary = "kanarienvogel-4711";
  set({{"vaults", {{"Prod", {{"langfuse", {{"salt", canary}, {"user", "u"}}}}}}}});
  auto p = plugin();
  std::string seen;
  for (const Answer& answer :
       {p.plan(step({"SALT"})), p.run(step({"SALT"})), p.secrets_list(), p.secrets_check(),
        p.secrets_resolve("{}"), p.secrets_template(R"({"names":["SALT"]})")})
    seen += answer.text + answer.what + answer.hint;
  for (const std::string& line : host.log) seen += line;
  CHECK(host.secrets.at("SALT") == canary);
  CHECK_FALSE(has(seen, canary));
  CHECK(files_with(dir.path(), canary) == std::set<std::string>{"world.json"});
}

TEST_CASE_FIXTURE(Fixture, "the manifest is valid, and its defaults suffice") {
  ConfiguredPlugin p(host, PLUGIN_FILE, {}, dir.path());
  CHECK(p.run("resolve").summary() == "no secret is needed");
}
