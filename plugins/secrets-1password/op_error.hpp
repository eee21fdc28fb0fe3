// SPDX-License-Identifier: Apache-2.0
// What op says when it fails, told apart, each with what to do about it. op ends with 1 for every
// error, so its text is all there is.
#pragma once

#include <fusebox/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "reference.hpp"

namespace secrets_1password {

enum class Cause {
  not_installed,
  too_old,
  no_accounts,
  account_unknown,
  not_signed_in,
  session_expired,
  prompt_dismissed,
  desktop_app,
  rejected,
  vault_missing,
  item_missing,
  item_ambiguous,
  field_missing,
  invalid_reference,
  rate_limit,
  network,
  unknown
};

// How somebody signs in, as far as the environment tells.
enum class SignIn { desktop, service_account, connect };

// op's text without its "[ERROR] date time " prefixes, on one line, cut after 1000 bytes.
std::string plain_text(std::string_view op_stderr);

Cause classify(std::string_view op_text);

// A reference, and the name that it is for.
struct Wanted {
  std::string name;
  Reference reference;
};

// Those of `wanted` that op's text speaks of: by the whole reference, or else by the vault, item
// and field that it names. None when the cause is not about references.
std::vector<Wanted> spoken_of(Cause cause, std::string_view op_text,
                              const std::vector<Wanted>& wanted);

// The failure of `doing` ("op inject") as an operator reads it: the cause, the names and references
// it is about, op's own text, and the remedy.
fbx::Error explain(Cause cause, std::string_view doing, std::string_view op_text, SignIn sign_in,
                   const std::vector<Wanted>& wanted);

}  // namespace secrets_1password
