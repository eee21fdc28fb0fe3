// SPDX-License-Identifier: Apache-2.0
#include "samples/samples.hpp"

#include "samples/pattern.hpp"
#include "samples/table.hpp"

namespace fusebox::samples {

namespace {

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : filler_(seed) {}

  void token(const Token& row, bool named) {
    const std::string name(row.name);
    assigned(row);
    add(row.rule, Expect::other, "", name + "=" + filler_.too_short(row.pattern) + "\n",
        "too short");
    add(row.rule, Expect::silent, "", name + "=" + filler_.dummy(row.pattern) + "\n", "a dummy");
    references_of(row);
    if (named)
      add(row.rule, Expect::other, "", "value: " + filler_.fill(row.pattern) + "\n",
          "without a name");
  }

  void setting(const Token& row) {
    const std::string name(row.name);
    assigned(row);
    add(row.rule, Expect::found, "",
        name + ": ${" + name + ":-" + filler_.fill(row.pattern) + "}\n",
        "the default of a variable");
    add(row.rule, Expect::found, "",
        name + "=" + filler_.fill(row.pattern) + " # was op://Vault/item/field\n",
        "beside a reference");
    references_of(row);
    add(row.rule, Expect::silent, "", name + ": \"\"\n", "empty");
    add(row.rule, Expect::silent, "", name + "_FILE=/run/secrets/" + lower(name) + "\n", "a path");
    add(row.rule, Expect::silent, "", name + "=$(cat secret)\n", "a command");
    add(row.rule, Expect::silent, "", "x = os.environ[\"" + name + "\"]\n", "code");
  }

  void url(const Token& row) {
    const std::string name(row.name);
    const auto with = [&](const std::string& password) {
      return name + "=" + filler_.fill(row.pattern) + "://app:" + password + "@db.example.com/x\n";
    };
    add(row.rule, Expect::found, "", with(filler_.fill("{n20}")), "in an environment file");
    add(row.rule, Expect::found, "", with(filler_.fill("{n8}%40{n8}")), "percent-encoded");
    add(row.rule, Expect::found, "", "- " + with(filler_.fill("{n12}!{n4}")), "in a list");
    add(row.rule, Expect::found, "", "A=op://Vault/item/field " + with(filler_.fill("{n20}")),
        "beside a reference");
    for (const char* harmless : {"op://Vault/item/field", "${PASSWORD}", "$PASSWORD", "<password>",
                                 "password", "{{ .Values.password }}", "%s"})
      add(row.rule, Expect::silent, "", with(harmless), std::string("with ") + harmless);
  }

  void text(const Text& row) {
    for (const auto leak : row.leaks)
      add(row.rule, Expect::found, row.file, filler_.fill(leak), "as it stands in files");
    for (const auto harmless : row.harmless)
      add(row.rule, Expect::silent, row.file, filler_.fill(harmless), "harmless");
  }

  std::vector<Sample> take() { return std::move(samples_); }

 private:
  static std::string lower(std::string text) {
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
  }

  void assigned(const Token& row) {
    const std::string name(row.name);
    add(row.rule, Expect::found, "", name + "=" + filler_.fill(row.pattern) + "\n",
        "in an environment file");
    add(row.rule, Expect::found, "", "{\"" + name + "\": \"" + filler_.fill(row.pattern) + "\"}\n",
        "in JSON");
    add(row.rule, Expect::found, "", "  " + name + ": '" + filler_.fill(row.pattern) + "' # x\n",
        "in YAML");
  }

  void references_of(const Token& row) {
    const std::string name(row.name);
    for (const auto& [value, what] : {std::pair{"op://Vault/item/field", "an op:// reference"},
                                      {"\"op://My Vault/an item/section/field\"", "one in quotes"},
                                      {"${"
                                       "FROM_ELSEWHERE}",
                                       "a variable"},
                                      {"{{ .Values.secret }}", "a template"},
                                      {"<put it here>", "a placeholder"}})
      add(row.rule, Expect::silent, "", name + "=" + value + "\n", what);
  }

  void add(std::string_view rule, Expect expect, std::string_view file, std::string text,
           std::string what) {
    samples_.push_back({std::string(rule), expect, std::string(file.empty() ? "sample.conf" : file),
                        std::move(text), std::move(what)});
  }

  Filler filler_;
  std::vector<Sample> samples_;
};

}  // namespace

std::vector<Sample> all(std::uint64_t seed) {
  Maker maker(seed);
  for (const Token& row : self_telling()) maker.token(row, false);
  for (const Token& row : named()) maker.token(row, true);
  for (const Token& row : settings()) maker.setting(row);
  for (const Token& row : urls()) maker.url(row);
  for (const Text& row : texts()) maker.text(row);
  return maker.take();
}

std::string references() {
  return "POSTGRES_PASSWORD=op://Langfuse-Prod/langfuse/postgres_password\n"
         "DATABASE_URL=postgresql://langfuse:op://Langfuse-Prod/langfuse/postgres_password@db:5432/"
         "x\n"
         "REDIS_AUTH=\"op://Langfuse Prod/langfuse/redis_auth\"\n"
         "NEXTAUTH_SECRET=op://${VAULT:-Langfuse-Prod}/langfuse/nextauth_secret\n"
         "SALT: ${SALT}\n"
         "CLICKHOUSE_PASSWORD: ${CLICKHOUSE_PASSWORD:?is not set}\n"
         "ENCRYPTION_KEY=$(openssl rand -hex 32)\n"
         "MINIO_ROOT_PASSWORD=<from the vault>\n"
         "LANGFUSE_SECRET_KEY={{ .Values.langfuse.secretKey }}\n";
}

}  // namespace fusebox::samples
