// SPDX-License-Identifier: Apache-2.0
#include "op_error.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "common/result.hpp"

namespace secrets_1password {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

struct Sign {
  std::string_view text;  // in lower case
  Cause cause;
};

// The first that stands in op's text decides, so the more telling ones come first.
constexpr std::array signs = {
    Sign{"unknown command", Cause::too_old},
    Sign{"no accounts configured", Cause::no_accounts},
    Sign{"no account found for filter", Cause::account_unknown},
    Sign{"session expired", Cause::session_expired},
    Sign{"authorization prompt dismissed", Cause::prompt_dismissed},
    Sign{"authorization timeout", Cause::prompt_dismissed},
    Sign{"connecting to desktop app", Cause::desktop_app},
    Sign{"connect to the 1password desktop app", Cause::desktop_app},
    Sign{"not currently signed in", Cause::not_signed_in},
    Sign{"account is not signed in", Cause::not_signed_in},
    Sign{"(429)", Cause::rate_limit},
    Sign{"too many requests", Cause::rate_limit},
    Sign{"decodesacredentials", Cause::rejected},
    Sign{"invalid service account token", Cause::rejected},
    Sign{"(401)", Cause::rejected},
    Sign{"(403)", Cause::rejected},
    Sign{"invalid secret reference", Cause::invalid_reference},
    Sign{"isn't a vault in this account", Cause::vault_missing},
    Sign{"does not have a field", Cause::field_missing},
    Sign{"isn't a field in", Cause::field_missing},
    Sign{"more than one item matches", Cause::item_ambiguous},
    Sign{"isn't an item in", Cause::item_missing},
    Sign{"could not find item", Cause::item_missing},
    Sign{"dial tcp", Cause::network},
    Sign{"no such host", Cause::network},
    Sign{"i/o timeout", Cause::network},
    Sign{"connection refused", Cause::network},
    Sign{"connection reset", Cause::network},
    Sign{"network is unreachable", Cause::network},
    Sign{"tls handshake timeout", Cause::network},
    Sign{"client.timeout exceeded", Cause::network},
};

struct Meaning {
  Cause cause;
  fbx_rc rc;
  std::string_view what;
  std::string_view hint;
};

constexpr std::array meanings = {
    Meaning{Cause::not_installed, FBX_NOT_FOUND,
            "1Password's command-line tool, op, is not installed or not in PATH",
            "install it: https://developer.1password.com/docs/cli/get-started "
            "(macOS: brew install 1password-cli)"},
    Meaning{Cause::too_old, FBX_UNSUPPORTED, "this op is too old",
            "update it: `op update`, or your package manager. Service accounts need 2.18.0"},
    Meaning{
        Cause::no_accounts, FBX_DENIED, "op knows no account",
        "turn on Settings > Developer > \"Integrate with 1Password CLI\" in the desktop app, or "
        "run `op account add`, or set OP_SERVICE_ACCOUNT_TOKEN"},
    Meaning{Cause::account_unknown, FBX_DENIED, "op has no such account, or nobody is signed in",
            "run `op account list` to see the names, mend the plugin's `account` setting or "
            "OP_ACCOUNT, then run `op signin`"},
    Meaning{Cause::not_signed_in, FBX_DENIED, "nobody is signed in to 1Password",
            "run `op signin` (without the desktop app: eval \"$(op signin)\"), or set "
            "OP_SERVICE_ACCOUNT_TOKEN"},
    Meaning{Cause::session_expired, FBX_DENIED, "the 1Password session has expired",
            "sign in again: `op signin` (without the desktop app: eval \"$(op signin)\")"},
    Meaning{Cause::prompt_dismissed, FBX_DENIED, "1Password's question was not answered with yes",
            "try again, and approve the question that the 1Password app shows"},
    Meaning{
        Cause::desktop_app, FBX_DENIED, "op cannot reach the 1Password desktop app",
        "start and unlock the app, and turn on Settings > Developer > \"Integrate with 1Password "
        "CLI\"; on a machine without the app, use OP_SERVICE_ACCOUNT_TOKEN"},
    Meaning{
        Cause::rejected, FBX_DENIED, "1Password refuses this sign-in",
        "look whether the token is complete, not revoked, and may read these vaults, and whether "
        "the account's firewall rules allow this machine"},
    Meaning{
        Cause::vault_missing, FBX_NOT_FOUND, "no such vault, or no right to see it",
        "compare with `op vault list`; a service account or Connect server sees only the vaults "
        "granted to it"},
    Meaning{Cause::item_missing, FBX_NOT_FOUND, "no such item in that vault",
            "compare with `op item list --vault <vault>`, and mend the template"},
    Meaning{Cause::item_ambiguous, FBX_CONFIG, "several items have that name",
            "write the item's ID in the template; `op item list --vault <vault>` shows it"},
    Meaning{
        Cause::field_missing, FBX_NOT_FOUND, "no such field in that item",
        "compare with `op item get <item> --vault <vault>`, add the field or mend the template"},
    Meaning{Cause::invalid_reference, FBX_CONFIG, "op takes it for no valid reference",
            "write op://vault/item/[section/]field; use the ID of what has other characters in its "
            "name than letters, digits, - _ . and space"},
    Meaning{Cause::rate_limit, FBX_UNAVAILABLE, "1Password's rate limit is used up",
            "wait; `op service-account ratelimit` shows what is left"},
    Meaning{
        Cause::network, FBX_UNAVAILABLE, "1Password cannot be reached over the network",
        "look at the connection, the proxy (HTTPS_PROXY) and https://status.1password.com, then "
        "try again"},
    Meaning{Cause::unknown, FBX_IO, "op failed, for a reason that this plugin does not know",
            "read op's own text; run `op whoami` by hand, and try again"},
};

const Meaning& meaning_of(Cause cause) {
  return *std::find_if(meanings.begin(), meanings.end(),
                       [&](const Meaning& meaning) { return meaning.cause == cause; });
}

bool is_digit_or(char c, std::string_view others) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0 ||
         others.find(c) != std::string_view::npos;
}

// "[ERROR] 2026/11/23 12:00:00 "
std::string_view without_prefix(std::string_view line) {
  constexpr std::string_view mark = "[ERROR] ";
  if (!line.starts_with(mark)) return line;
  line.remove_prefix(mark.size());
  std::size_t end = 0;
  while (end < line.size() && is_digit_or(line[end], "/: ")) ++end;
  return line.substr(end);
}

// Whether `name` stands in `text` between characters that could not be a part of it.
bool mentions(std::string_view text, std::string_view name) {
  const auto inside = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  };
  for (std::size_t at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    const bool begins = at == 0 || !inside(text[at - 1]);
    const std::size_t end = at + name.size();
    if (begins && (end == text.size() || !inside(text[end]))) return true;
  }
  return false;
}

bool concerns(Cause cause, std::string_view text, const Reference& reference) {
  const bool vault = mentions(text, lower(reference.vault));
  const bool item = mentions(text, lower(reference.item));
  switch (cause) {
    case Cause::vault_missing:
      return vault;
    case Cause::item_missing:
    case Cause::item_ambiguous:
      return item;
    case Cause::field_missing:
      return item && mentions(text, lower(reference.field));
    default:
      return false;
  }
}

std::string retry_time(std::string_view text) {
  const std::size_t begin = lower(text).find("retry in ");
  if (begin == std::string::npos) return {};
  const std::string_view from = text.substr(begin);
  return std::string(from.substr(0, from.find_first_of(".\n")));
}

}  // namespace

std::string plain_text(std::string_view op_stderr) {
  std::string text;
  while (!op_stderr.empty()) {
    const std::size_t end = std::min(op_stderr.find('\n'), op_stderr.size());
    const std::string_view line = without_prefix(op_stderr.substr(0, end));
    if (!line.empty()) text += (text.empty() ? "" : " ") + std::string(line);
    op_stderr.remove_prefix(std::min(end + 1, op_stderr.size()));
  }
  return fbx::common::one_line(text, 1000);
}

Cause classify(std::string_view op_text) {
  const std::string text = lower(op_text);
  for (const Sign& sign : signs)
    if (text.find(sign.text) != std::string::npos) return sign.cause;
  return Cause::unknown;
}

std::vector<Wanted> spoken_of(Cause cause, std::string_view op_text,
                              const std::vector<Wanted>& wanted) {
  const std::string text = lower(op_text);
  const auto select = [&](auto&& concerned) {
    std::vector<Wanted> out;
    std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(out), concerned);
    return out;
  };
  auto exact = select([&](const Wanted& w) { return mentions(text, lower(w.reference.text)); });
  if (!exact.empty()) return exact;
  return select([&](const Wanted& w) { return concerns(cause, text, w.reference); });
}

fbx::Error explain(Cause cause, std::string_view doing, std::string_view op_text, SignIn sign_in,
                   const std::vector<Wanted>& wanted) {
  const Meaning& meaning = meaning_of(cause);
  std::string what(meaning.what);
  std::string about;
  for (const Wanted& w : spoken_of(cause, op_text, wanted))
    about += (about.empty() ? ": " : ", ") + w.name + " (" + w.reference.text + ")";
  what += about;
  if (!op_text.empty()) what += "; `" + std::string(doing) + "` says: " + std::string(op_text);
  std::string hint(meaning.hint);
  if (cause == Cause::rate_limit && !retry_time(op_text).empty())
    hint = retry_time(op_text) + "; `op service-account ratelimit` shows what is left";
  if (cause == Cause::not_signed_in && sign_in == SignIn::service_account)
    hint =
        "op did not take OP_SERVICE_ACCOUNT_TOKEN: look whether it is complete (it begins with "
        "ops_), and whether OP_SERVICE_ACCOUNT_TOKEN is exported";
  return {meaning.rc, what, hint};
}

}  // namespace secrets_1password
