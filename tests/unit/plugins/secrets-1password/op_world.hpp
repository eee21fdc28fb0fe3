// SPDX-License-Identifier: Apache-2.0
// A world for the stand-in of op, and the environment that leads to it.
#pragma once

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/search.hpp"
#include "tests/support/temp_dir.hpp"

namespace fusebox::test {

class OpWorld {
 public:
  OpWorld() {
    ::setenv("PATH", OP_FOLDER, 1);
    ::setenv("FUSEBOX_TEST_OP", (dir / "world.json").c_str(), 1);
    for (const char* name :
         {"OP_SERVICE_ACCOUNT_TOKEN", "OP_CONNECT_HOST", "OP_CONNECT_TOKEN", "OP_ACCOUNT", "VAULT"})
      ::unsetenv(name);
    set({});
  }

  // The usual world with some things different.
  void set(boost::json::object different) const {
    boost::json::object world{
        {"version", "2.32.0"},
        {"accounts", boost::json::array{"my"}},
        {"signed_in", true},
        {"token", "ops_good"},
        {"vaults",
         {{"Prod",
           {{"langfuse",
             {{"salt", "salt-value"}, {"db/password", "pw-value"}, {"empty", ""}, {"user", "u"}}},
            {"Other Item", {{"key", "other-value"}}}}}}},
        {"calls", (dir / "calls").string()}};
    for (auto& entry : different) world[entry.key()] = entry.value();
    std::ofstream(dir / "world.json") << boost::json::serialize(world);
  }

  std::string calls() const { return slurp(dir / "calls"); }

  TempDir dir;
};

}  // namespace fusebox::test
