// SPDX-License-Identifier: Apache-2.0
#include "walls.hpp"
#include "text_list.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <fstream>
#include <string>

namespace fs = std::filesystem;
using walls::Offences;

namespace {

const fs::path source = FUSEBOX_SOURCE_DIR;

// A small source tree in a temporary folder, to break the rules in.
class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "fusebox-walls-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root = name;
    write("core/util/fd.hpp", spdx);
    write("core/plan/plan.hpp", spdx);
    write("plugins/probe-x/probe_x.cpp", spdx);
    write("sdk/include/fusebox/plugin.h", spdx);
  }
  ~Tree() { fs::remove_all(root); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }

  const std::string spdx = "// SPDX-License-Identifier: Apache-2.0\n";
  fs::path root;
};

}  // namespace

TEST_CASE("no plugin and no part of the SDK uses core/") {
  CHECK(walls::plugin_wall(source) == Offences{});
}

TEST_CASE("core/ names no plugin") { CHECK(walls::core_wall(source) == Offences{}); }

TEST_CASE("each room of core/ uses only the rooms that it may") {
  CHECK(walls::room_wall(source) == Offences{});
}

TEST_CASE("no source file is too long, without a licence line, or unfinished") {
  CHECK(walls::file_rules(source) == Offences{});
}

TEST_CASE("D08 D20 nothing asks a shell for what the system tells, and nothing needs bash") {
  CHECK(walls::shell_rules(source) == Offences{});
}

TEST_CASE("a shell in the code, and bash in a script or a container, are found") {
  const Tree tree;
  tree.write("core/util/a.cpp",
             tree.spdx + "auto out = popen(\"stat -f %m x\", \"r\");  // system(x)\n");
  tree.write("cmake/a.sh", "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n");
  tree.write("compose/a.yml", "# no bash here\ncommand: [bash, -c, true]\n");
  CHECK(walls::shell_rules(tree.root) == Offences{"core/util/a.cpp:2: runs a shell",
                                                  "cmake/a.sh:1: needs a shell beyond POSIX",
                                                  "compose/a.yml:2: needs a shell beyond POSIX"});
}

TEST_CASE("a clean tree has no offences") {
  const Tree tree;
  CHECK(walls::plugin_wall(tree.root) == Offences{});
  CHECK(walls::core_wall(tree.root) == Offences{});
  CHECK(walls::room_wall(tree.root) == Offences{});
  CHECK(walls::file_rules(tree.root) == Offences{});
  CHECK(walls::shell_rules(tree.root) == Offences{});
}

TEST_CASE("a plugin that includes or links a room of core/ is found") {
  const Tree tree;
  tree.write("plugins/probe-x/probe_x.cpp", tree.spdx + "#include \"util/fd.hpp\"\n");
  tree.write("plugins/probe-x/CMakeLists.txt",
             "fusebox_add_plugin(probe-x LIBRARIES fusebox_util)\n");
  tree.write("sdk/include/fusebox/plugin.h",
             tree.spdx + "\n#include \"../../core/plan/plan.hpp\"\n");
  CHECK(walls::plugin_wall(tree.root) ==
        Offences{"plugins/probe-x/probe_x.cpp:2: includes util/fd.hpp of core/",
                 "plugins/probe-x/CMakeLists.txt:1: links a room of core/",
                 "sdk/include/fusebox/plugin.h:3: includes ../../core/plan/plan.hpp of core/"});
}

TEST_CASE("a plugin's own file with a name that core/ has too is no offence") {
  const Tree tree;
  tree.write("plugins/probe-x/util/fd.hpp", tree.spdx);
  tree.write("plugins/probe-x/probe_x.cpp", tree.spdx + "#include \"util/fd.hpp\"\n");
  CHECK(walls::plugin_wall(tree.root) == Offences{});
}

TEST_CASE("a plugin's name in core/ is found in code, and allowed in a comment") {
  const Tree tree;
  tree.write("core/plan/plan.cpp", tree.spdx +
                                       "// like probe-x\n/* or\n probe-x */\n"
                                       "auto url = \"http://a\"; auto id = \"probe-x\";\n");
  CHECK(walls::core_wall(tree.root) == Offences{"core/plan/plan.cpp:5: names the plugin probe-x"});
}

TEST_CASE("a room that reaches up or sideways is found") {
  const Tree tree;
  tree.write("core/util/a.cpp",
             tree.spdx + "#include \"plan/plan.hpp\"\n#include <fusebox/plugin.h>\n");
  tree.write("core/config/a.cpp",
             tree.spdx + "#include \"core/plan/plan.hpp\"\n#include \"util/fd.hpp\"\n");
  CHECK(walls::room_wall(tree.root) ==
        Offences{"core/config/a.cpp:2: config may not use core/plan/plan.hpp",
                 "core/util/a.cpp:2: util may not use plan/plan.hpp",
                 "core/util/a.cpp:3: util may not use fusebox/plugin.h"});
}

TEST_CASE("a long file, a missing licence line and an unfinished spot are found") {
  const Tree tree;
  std::string lines = tree.spdx;
  for (int i = 0; i < 600; ++i) lines += "\n";
  tree.write("core/util/long.cpp", lines);
  tree.write("core/util/bare.cpp", "int a;\n");
  tree.write("core/util/late.cpp", tree.spdx + "// TO" + "DO later\n");
  tree.write("tests/run.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n");
  CHECK(walls::file_rules(tree.root) == Offences{"core/util/bare.cpp: no SPDX line on line 1",
                                                 "core/util/late.cpp:2: unfinished",
                                                 "core/util/long.cpp: 601 lines, 600 at most"});
}
