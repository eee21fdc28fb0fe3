// SPDX-License-Identifier: Apache-2.0
// 1Password's command-line tool, op: is somebody signed in, and what do these references stand for.
#pragma once

#include <fusebox/plugin.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "op_error.hpp"

namespace secrets_1password {

struct CliSettings {
  std::string account;
  std::string sign_in;  // auto, desktop, service-account, connect
};

// What references stand for. Move-only: the views point into the one wiped buffer.
struct Resolved {
  fbx::Secret buffer;
  std::map<std::string, std::string_view> values;  // by the reference's text
};

class OpCli {
 public:
  explicit OpCli(CliSettings settings) : settings_(std::move(settings)) {}

  // How op will sign in. Throws FBX_DENIED when the chosen way lacks its variables.
  SignIn sign_in() const;
  // A line worth logging about variables that exclude each other, or "".
  std::string conflict() const;

  // Proves that somebody is signed in; returns who, as "https://x.1password.com", or "". A Connect
  // server has no such question: there the first inject tells.
  std::string who_am_i(const fbx::Op& op) const;

  // Resolves all of `wanted` in one `op inject`. Throws what explain() makes of a failure.
  Resolved inject(const fbx::Op& op, const std::vector<Wanted>& wanted) const;

 private:
  struct Ended {
    int exit_code;
    std::string err;  // plain_text()
  };
  template <class Target>
  Ended run(const fbx::Op& op, const std::vector<std::string>& arguments, std::string_view input,
            Target& out) const;
  [[noreturn]] void fail_sign_in(const fbx::Op& op, const std::string& text) const;

  CliSettings settings_;
};

}  // namespace secrets_1password
