// SPDX-License-Identifier: Apache-2.0
#include "op_error.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace secrets_1password;

namespace {

const std::vector<Wanted> wanted = {
    {"SALT", parse_reference("op://Prod/langfuse/salt")},
    {"SALT_2", parse_reference("op://Prod/langfuse/salt-2")},
    {"DB_PASSWORD", parse_reference("op://Prod/langfuse/db/password")},
    {"OTHER", parse_reference("op://Dev/other/salt")}};

std::string names(Cause cause, std::string_view text) {
  std::string out;
  for (const Wanted& w : spoken_of(cause, text, wanted)) out += w.name + " ";
  return out;
}

struct Case {
  std::string text;
  Cause cause;
  fbx_rc rc;
  std::string names;
};

}  // namespace

TEST_CASE("every documented error of op has its own cause, code and names") {
  const std::vector<Case> cases = {
      {"\"Prod\" isn't a vault in this account. Specify the vault with its ID or name.",
       Cause::vault_missing, FBX_NOT_FOUND, "SALT SALT_2 DB_PASSWORD "},
      {"could not resolve item UUID for item other: could not find item other in vault x7h2k",
       Cause::item_missing, FBX_NOT_FOUND, "OTHER "},
      {"could not read secret op://Dev/other/salt: could not get item Dev/other: \"other\" isn't "
       "an "
       "item in the \"Dev\" vault",
       Cause::item_missing, FBX_NOT_FOUND, "OTHER "},
      {"item 'Prod/langfuse' does not have a field 'db.password'", Cause::field_missing,
       FBX_NOT_FOUND, "DB_PASSWORD "},
      {"item 'Prod/langfuse' does not have a field 'salt'", Cause::field_missing, FBX_NOT_FOUND,
       "SALT "},
      {"invalid secret reference 'op://Prod/langfuse/salt': too few '/': secret references should "
       "have at least vault, item and field specified",
       Cause::invalid_reference, FBX_CONFIG, "SALT "},
      {"More than one item matches \"langfuse\". Try again and specify the item by its ID",
       Cause::item_ambiguous, FBX_CONFIG, "SALT SALT_2 DB_PASSWORD "},
      {"No accounts configured for use with 1Password CLI.", Cause::no_accounts, FBX_DENIED, ""},
      {"You are not currently signed in. Please run `op signin --help` for instructions",
       Cause::not_signed_in, FBX_DENIED, ""},
      {"no account found for filter my", Cause::account_unknown, FBX_DENIED, ""},
      {"session expired, please sign in again", Cause::session_expired, FBX_DENIED, ""},
      {"authorization prompt dismissed, please try again", Cause::prompt_dismissed, FBX_DENIED, ""},
      {"error initializing client: connecting to desktop app: 1Password CLI couldn't connect to "
       "the "
       "1Password desktop app.",
       Cause::desktop_app, FBX_DENIED, ""},
      {"error initializing client: Validation: (failed to session.DecodeSACredentials), Server: "
       "(failed to DecodeSACredentials), failed to parseToken, format is invalid",
       Cause::rejected, FBX_DENIED, ""},
      {"(403) Forbidden (Firewall Rule): The IP address was blocked by a 1Password firewall rule.",
       Cause::rejected, FBX_DENIED, ""},
      {"(429) Too Many Requests: You've reached the maximum number of this type of requests this "
       "service account is allowed to make. Please retry in 59 minutes and 12 seconds.",
       Cause::rate_limit, FBX_UNAVAILABLE, ""},
      {"Get \"https://my.1password.com\": dial tcp: lookup my.1password.com: no such host",
       Cause::network, FBX_UNAVAILABLE, ""},
      {"unknown command \"whoami\" for \"op\"", Cause::too_old, FBX_UNSUPPORTED, ""},
      {"panic: runtime error", Cause::unknown, FBX_IO, ""},
      {"", Cause::unknown, FBX_IO, ""}};
  std::set<std::string> remedies;
  std::set<Cause> causes;
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(classify(c.text) == c.cause);
    CHECK(names(c.cause, c.text) == c.names);
    const fbx::Error error = explain(c.cause, "op inject", c.text, SignIn::desktop, wanted);
    CHECK(error.rc() == c.rc);
    CHECK_FALSE(error.hint().empty());
    CHECK(std::string(error.what()).find(c.text) != std::string::npos);
    causes.insert(c.cause);
    remedies.insert(error.hint());
  }
  CHECK(remedies.size() == causes.size());
}

TEST_CASE("an unknown error is never blamed on a reference unless op names one") {
  CHECK(names(Cause::unknown, "something about langfuse and Prod and salt") == "");
  CHECK(names(Cause::unknown, "could not read secret op://Dev/other/salt: boom") == "OTHER ");
}

TEST_CASE("D11: what op says is shown, without its prefix, on one line") {
  CHECK(plain_text("[ERROR] 2026/11/23 09:08:07 session expired\n") == "session expired");
  CHECK(plain_text("[ERROR] 2026/11/23 09:08:07 one\n\n[ERROR] 2026/11/23 09:08:07 two\n") ==
        "one two");
  CHECK(plain_text("as it is") == "as it is");
  CHECK(plain_text("") == "");
  CHECK(plain_text(std::string(5000, 'x')).size() <= 1003);
}

TEST_CASE("a rate limit says when to try again, in op's words") {
  const fbx::Error error = explain(Cause::rate_limit, "op inject",
                                   "(429) Too Many Requests: reached. Please retry in 59 minutes "
                                   "and 12 seconds.",
                                   SignIn::service_account, {});
  CHECK(error.hint().starts_with("retry in 59 minutes and 12 seconds;"));
}

TEST_CASE("with a service account, not being signed in is about the token") {
  const auto hint = [](SignIn way) {
    return explain(Cause::not_signed_in, "op whoami", "x", way, {}).hint();
  };
  CHECK(hint(SignIn::service_account).find("OP_SERVICE_ACCOUNT_TOKEN is exported") !=
        std::string::npos);
  CHECK(hint(SignIn::desktop).starts_with("run `op signin`"));
}
