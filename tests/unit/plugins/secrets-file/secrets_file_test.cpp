// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <regex>
#include <thread>

#include "common/dotenv.hpp"
#include "tests/support/configured_plugin.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/search.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace fusebox::test;

namespace {

constexpr const char* canary = "kanarienvogel-4711";

struct Fixture {
  TempDir dir;
  FakeHost host;
  fs::path file = dir / "secrets.env";

  void write(std::string_view content, mode_t mode = 0600) const {
    std::ofstream(file, std::ios::binary) << content;
    ::chmod(file.c_str(), mode);
  }
  LoadedPlugin plugin(json::object settings = {}) {
    return LoadedPlugin(host, PLUGIN_FILE, context(std::move(settings)));
  }
  std::string context(json::object settings) const {
    json::object config{{"file", file.string()},
                        {"generate", false},
                        {"generate_names", json::array{}},
                        {"generate_hex", json::array{"ENCRYPTION_KEY"}},
                        {"length", 40}};
    for (auto& setting : settings) config[setting.key()] = setting.value();
    return json::serialize(json::object{{"instance", "secrets"},
                                        {"stack", "test"},
                                        {"config_dir", dir.path().string()},
                                        {"state_dir", (dir / "state").string()},
                                        {"config", config}});
  }
};

std::string step(const std::vector<std::string>& secrets, const char* verb = "resolve") {
  json::array names;
  for (const auto& name : secrets) names.emplace_back(name);
  return json::serialize(json::object{{"verb", verb},
                                      {"phase", "deploy"},
                                      {"run", "r1"},
                                      {"with", json::object{}},
                                      {"secrets", names}});
}

const json::object generate{{"generate", true}};

json::value parsed(const Answer& answer) { return json::parse(answer.text); }

}  // namespace

TEST_CASE_FIXTURE(Fixture, "values that a phase needs go to the host, and only those") {
  write("A='va$lue #1'\nB=two\nC=three\n");
  auto p = plugin();
  const Answer answer = p.run(step({"A", "B"}));
  CHECK(answer.rc == FBX_OK);
  CHECK(parsed(answer).at("summary").as_string() == "2 secrets from " + file.string());
  CHECK(parsed(answer).at("changed").as_bool() == false);
  CHECK(host.secrets == std::map<std::string, std::string>{{"A", "va$lue #1"}, {"B", "two"}});
}

TEST_CASE_FIXTURE(Fixture, "resolving no name by request resolves all, as a step none") {
  write("A=1\nB=2\n");
  auto p = plugin();
  CHECK(p.run(step({})).rc == FBX_OK);
  CHECK(host.secrets.empty());
  const Answer answer = p.secrets_resolve("{\"names\":[]}");
  CHECK(answer.text == R"({"resolved":["A","B"]})");
  CHECK(host.secrets.size() == 2);
}

TEST_CASE_FIXTURE(Fixture,
                  "a file that others may read is refused with the command that mends it") {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0644U, 0700U, 0666U}) {
    write("A=1\n", mode);
    auto p = plugin();
    const Answer answer = p.run(step({"A"}));
    CHECK(answer.rc == FBX_DENIED);
    CHECK(answer.hint == "chmod 600 " + file.string());
    CHECK(answer.what.find("has mode 0") != std::string::npos);
    CHECK(host.secrets.empty());
  }
  write("A=1\n", 0400);
  CHECK(plugin().run(step({"A"})).rc == FBX_OK);
}

TEST_CASE_FIXTURE(Fixture, "the command that mends a file quotes an odd name") {
  file = dir / "it's secret.env";
  write("A=1\n", 0644);
  const Answer answer = plugin().run(step({"A"}));
  CHECK(answer.hint == "chmod 600 '" + (dir / "it'\\''s secret.env").string() + "'");
}

TEST_CASE_FIXTURE(Fixture, "a file of another user is refused") {
  write("A=1\n");
  if (::geteuid() == 0) {
    REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
  } else {
    file = "/etc/passwd";
  }
  const Answer answer = plugin().run(step({"A"}));
  CHECK(answer.rc == FBX_DENIED);
  CHECK(answer.what.find("belongs to user") != std::string::npos);
  CHECK(answer.hint.find("sudo chown " + std::to_string(::geteuid())) == 0);
}

TEST_CASE_FIXTURE(Fixture, "what is not a regular file is refused at once") {
  fs::create_directory(file);
  CHECK(plugin().run(step({"A"})).rc == FBX_CONFIG);
  fs::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  const Answer answer = plugin().run(step({"A"}));
  CHECK(answer.rc == FBX_CONFIG);
  CHECK(answer.what == file.string() + " is not a regular file");
}

TEST_CASE_FIXTURE(Fixture, "a link is followed to a file that passes the same checks") {
  write("A=1\n");
  const fs::path real = file;
  file = dir / "link.env";
  fs::create_symlink(real, file);
  CHECK(plugin().run(step({"A"})).rc == FBX_OK);
  ::chmod(real.c_str(), 0644);
  const Answer loose = plugin().run(step({"A"}));
  CHECK(loose.rc == FBX_DENIED);
  CHECK(loose.hint == "chmod 600 " + real.string());
  ::chmod(real.c_str(), 0600);
  CHECK(plugin(generate).run(step({"NEW"})).rc == FBX_OK);
  CHECK(fs::is_symlink(file));
  CHECK(slurp(real).find("NEW='") != std::string::npos);
  if (::geteuid() == 0) {
    REQUIRE(::lchown(file.c_str(), 12345, 12345) == 0);
    CHECK(plugin().run(step({"A"})).rc == FBX_DENIED);
  }
  fs::remove(real);
  fs::remove(file);
  fs::create_symlink(real, file);
  CHECK(plugin(generate).run(step({"A"})).what.find("a link that leads nowhere") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a missing file is told, with what to do") {
  const Answer answer = plugin().run(step({"A"}));
  CHECK(answer.rc == FBX_NOT_FOUND);
  CHECK(answer.what == "there is no " + file.string());
  CHECK(answer.hint.find("fusebox secrets template") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture,
                  "all missing and empty values are named at once, and nothing is handed over") {
  write("A=1\nB=\nC=''\n");
  auto p = plugin();
  for (const Answer& answer :
       {p.plan(step({"A", "B", "C", "D"})), p.run(step({"A", "B", "C", "D"}))}) {
    CHECK(answer.rc == FBX_NOT_FOUND);
    CHECK(answer.what == file.string() + " has no value for B, C and D");
  }
  CHECK(host.secrets.empty());
}

TEST_CASE_FIXTURE(Fixture, "a mistake in the file is told with its place, never with a value") {
  write(std::string("A=1\nB='") + canary + "\n");
  const Answer answer = plugin().run(step({"A"}));
  CHECK(answer.rc == FBX_CONFIG);
  CHECK(answer.what == file.string() + ":2:3: the quote of B that opens here is never closed");
}

TEST_CASE_FIXTURE(Fixture, "a $ that eats a part of a value is warned about") {
  write("A=pa$word\nB=1\n");
  auto p = plugin();
  CHECK(p.run(step({"B"})).rc == FBX_OK);
  CHECK(host.log.empty());
  CHECK(p.run(step({"A"})).rc == FBX_OK);
  CHECK(host.logged("warn: " + file.string() + ":1:5: in the value of A"));
  CHECK(parsed(p.secrets_check()).at("status").as_string() == "degraded");
}

TEST_CASE_FIXTURE(Fixture, "planning has no effect and says what would be made") {
  auto p = plugin(generate);
  const Answer answer = p.plan(step({"A", "B"}));
  CHECK(answer.rc == FBX_OK);
  CHECK(parsed(answer).at("actions").as_array()[0].as_string() ==
        "make A and B and keep them in " + file.string());
  CHECK(fs::is_empty(dir.path()));
  write("A=1\n");
  const json::value both = parsed(p.plan(step({"A", "B"})));
  CHECK(both.at("actions").as_array()[0].as_string() == "read 1 secret from " + file.string());
  CHECK(both.at("actions").as_array()[1].as_string() == "make B and keep it in " + file.string());
}

TEST_CASE_FIXTURE(Fixture, "missing values are made once and never change") {
  file = dir / "new/folder/secrets.env";
  const auto old_mask = ::umask(0);
  const Answer answer = plugin(generate).run(step({"POSTGRES_PASSWORD", "ENCRYPTION_KEY"}));
  ::umask(old_mask);
  REQUIRE(answer.rc == FBX_OK);
  CHECK(parsed(answer).at("summary").as_string() ==
        "2 secrets from " + file.string() + " (made POSTGRES_PASSWORD and ENCRYPTION_KEY)");
  CHECK(parsed(answer).at("changed").as_bool());
  CHECK(std::regex_match(host.secrets.at("POSTGRES_PASSWORD"), std::regex("[A-Za-z0-9]{40}")));
  CHECK(std::regex_match(host.secrets.at("ENCRYPTION_KEY"), std::regex("[0-9a-f]{64}")));
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0600U);
  REQUIRE(::stat(file.parent_path().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0700U);

  const auto first = host.secrets;
  const std::string content = slurp(file);
  CHECK(parsed(plugin(generate).run(step({"POSTGRES_PASSWORD", "ENCRYPTION_KEY"})))
            .at("changed")
            .as_bool() == false);
  CHECK(host.secrets == first);
  CHECK(slurp(file) == content);
  CHECK(plugin(generate).run(step({"SALT"})).rc == FBX_OK);
  CHECK(slurp(file).starts_with(content));
  CHECK(host.secrets.at("SALT") != first.at("POSTGRES_PASSWORD"));
}

TEST_CASE_FIXTURE(Fixture, "what the user wrote stays byte for byte when values are added") {
  const std::string users = "# mine\r\n\nexport  A =\"x\\n${HOME:-y}\"   # c\r\nB='1\n2'\n#end";
  write(users);
  REQUIRE(plugin(generate).run(step({"A", "NEW"})).rc == FBX_OK);
  CHECK(slurp(file).starts_with(users + "\nNEW='"));
}

TEST_CASE_FIXTURE(Fixture,
                  "an empty value counts as missing, so a template can be filled by making") {
  auto p = plugin(generate);
  write(p.secrets_template(R"({"names":["A","B"]})").text);
  REQUIRE(p.run(step({"A", "B"})).rc == FBX_OK);
  CHECK(host.secrets.at("A").size() == 40);
  CHECK(host.log.empty());
}

TEST_CASE_FIXTURE(Fixture, "only the listed names are made, and others are refused before any is") {
  const json::object settings{
      {"generate", true}, {"generate_names", json::array{"A"}}, {"length", 16}};
  auto p = plugin(settings);
  const Answer refused = p.run(step({"A", "B"}));
  CHECK(refused.rc == FBX_NOT_FOUND);
  CHECK(refused.what == file.string() + " has no value for B");
  CHECK_FALSE(fs::exists(file));
  CHECK(p.run(step({"A"})).rc == FBX_OK);
  CHECK(host.secrets.at("A").size() == 16);
}

TEST_CASE_FIXTURE(Fixture, "settings that contradict themselves are refused") {
  const auto refused = [&](json::object settings) { return plugin(std::move(settings)).created(); };
  CHECK(refused({{"generate_names", json::array{"A"}}}).what ==
        "generate_names is set, but generate is not");
  CHECK(refused({{"length", 8}}).what == "length is 8, not within 16 to 256");
  CHECK(refused({{"length", 257}}).rc == FBX_CONFIG);
}

TEST_CASE_FIXTURE(Fixture, "ten processes at once make one set of values") {
  auto p = plugin(generate);
  constexpr int processes = 10;
  int results[2];
  REQUIRE(::pipe(results) == 0);
  for (int i = 0; i < processes; ++i) {
    if (::fork() != 0) continue;
    const bool ok = p.run(step({"A", "B", "C"})).rc == FBX_OK;
    const std::string line = host.secrets["A"] + host.secrets["B"] + host.secrets["C"] + "\n";
    const bool sent = ::write(results[1], line.data(), line.size()) > 0;
    ::_exit(ok && sent ? 0 : 1);
  }
  ::close(results[1]);
  for (int i = 0; i < processes; ++i) {
    int status = 0;
    ::wait(&status);
    CHECK(status == 0);
  }
  std::string all(4096, '\0');
  all.resize(static_cast<std::size_t>(::read(results[0], all.data(), all.size())));
  ::close(results[0]);
  const std::string first = all.substr(0, all.find('\n') + 1);
  CHECK(first.size() == 121);
  std::string expected;
  for (int i = 0; i < processes; ++i) expected += first;
  CHECK(all == expected);
  const std::string content = slurp(file);
  CHECK(fbx::common::parse_dotenv(content, "f").entries.size() == 3);
  CHECK(fbx::common::parse_dotenv(content, "f").warnings.empty());
}

TEST_CASE_FIXTURE(Fixture, "waiting for another run ends with the deadline and says for what") {
  const fs::path lock = dir / ".secrets.env.lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(::flock(fd, LOCK_EX | LOCK_NB) == 0);
  host.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
  const Answer answer = plugin(generate).run(step({"A"}));
  CHECK(answer.rc == FBX_TIMEOUT);
  CHECK(answer.what.find("waiting for another run to finish with " + lock.string()) !=
        std::string::npos);
  host.deadline.reset();
  host.cancelled = true;
  CHECK(plugin(generate).run(step({"A"})).rc == FBX_CANCELLED);
  ::close(fd);
  host.cancelled = false;
  CHECK(plugin(generate).run(step({"A"})).rc == FBX_OK);
}

TEST_CASE_FIXTURE(Fixture, "D13: what a killed run left behind is swept by the next that writes") {
  std::ofstream(dir / ".secrets.env.new-abc") << canary;
  std::ofstream(dir / ".other.env.new-abc") << "not ours";
  REQUIRE(plugin(generate).run(step({"A"})).rc == FBX_OK);
  CHECK_FALSE(fs::exists(dir / ".secrets.env.new-abc"));
  CHECK(fs::exists(dir / ".other.env.new-abc"));
}

TEST_CASE_FIXTURE(Fixture,
                  "the list tells names and places, never values, also of what is not made yet") {
  write(std::string("# c\nA='") + canary + "'\nB=\n");
  auto p = plugin({{"generate", true}, {"generate_names", json::array{"A", "C"}}});
  const Answer answer = p.secrets_list();
  CHECK(answer.text ==
        json::serialize(json::object{
            {"secrets",
             json::array{
                 json::object{{"name", "A"}, {"origin", file.string() + ":2"}, {"present", true}},
                 json::object{{"name", "B"}, {"origin", file.string() + ":3"}, {"present", false}},
                 json::object{{"name", "C"},
                              {"origin", file.string() + " (made when first needed)"},
                              {"present", false}}}}}));
}

TEST_CASE_FIXTURE(Fixture, "a check names what has no value and where") {
  CHECK(parsed(plugin(generate).secrets_check()).at("summary").as_string() ==
        file.string() + " is not there yet; a deploy makes it");
  CHECK(plugin().secrets_check().rc == FBX_NOT_FOUND);
  write("A=1\nB=\n");
  const json::value answer = parsed(plugin().secrets_check());
  CHECK(answer.at("status").as_string() == "unhealthy");
  CHECK(answer.at("findings").as_array().size() == 1);
  CHECK(answer.at("findings").as_array()[0].at("what").as_string() == "B has no value");
  CHECK(answer.at("findings").as_array()[0].at("where").as_string() == file.string() + ":2");
  write("A=1\n");
  CHECK(parsed(plugin().secrets_check()).at("status").as_string() == "healthy");
}

TEST_CASE_FIXTURE(Fixture, "a value that is known to everybody is told when it is used") {
  write("POSTGRES_PASSWORD=postgres\n");
  auto p = plugin();
  const json::value run = parsed(p.run(step({"POSTGRES_PASSWORD"})));
  CHECK(run.at("findings").as_array()[0].at("what").as_string() ==
        "POSTGRES_PASSWORD has a value that is published in examples");
  CHECK(parsed(p.secrets_check()).at("status").as_string() == "unhealthy");
}

TEST_CASE_FIXTURE(Fixture, "an unknown verb and a request that is not JSON are refused") {
  auto p = plugin();
  CHECK(p.run(step({}, "explode")).rc == FBX_ARGUMENT);
  CHECK(p.run("nonsense").rc == FBX_ARGUMENT);
  CHECK(p.secrets_resolve(R"({"names":"A"})").rc == FBX_ARGUMENT);
  CHECK(p.secrets_resolve(R"({"names":[1]})").rc == FBX_ARGUMENT);
}

TEST_CASE_FIXTURE(Fixture, "a canary is found in the secrets file and nowhere else") {
  write(std::string("CANARY='") + canary + "'\n");
  auto p = plugin(generate);
  std::string seen;
  for (const Answer& answer : {p.plan(step({"CANARY", "MADE"})), p.run(step({"CANARY", "MADE"})),
                               p.secrets_list(), p.secrets_resolve("{}"), p.secrets_check(),
                               p.secrets_template(R"({"names":["CANARY"]})")}) {
    CHECK(answer.rc == FBX_OK);
    seen += answer.text + answer.what + answer.hint;
  }
  for (const std::string& line : host.log) seen += line;
  for (const std::string& value : {host.secrets.at("CANARY"), host.secrets.at("MADE")}) {
    CHECK(seen.find(value) == std::string::npos);
    CHECK(files_with(dir.path(), value) == std::set<std::string>{"secrets.env"});
  }
}

TEST_CASE_FIXTURE(Fixture, "the manifest is valid, and its defaults suffice") {
  ConfiguredPlugin p(host, PLUGIN_FILE, {{"file", (dir / "secrets.env").string()}}, dir.path());
  CHECK(p.run("resolve").summary() == "no secret is needed");
}
