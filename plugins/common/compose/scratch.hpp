// SPDX-License-Identifier: Apache-2.0
// The same Compose files as another project, beside the live one.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::compose {

struct Scratch {
  boost::json::object config;
  std::vector<std::string> notes;  // where it cannot be what the live project is, for the operator
};

// `config` is what `compose config --format json` makes of the files for a project named `project`.
// Nothing that the result names outside of the containers is the live project's:
//   - volumes and networks are its own, under plain names, whatever the files fix or call external;
//   - a folder of the machine that a service may write is an empty volume instead; a file cannot be
//     written; a socket is not there;
//   - ports are published on 127.0.0.1, where the engine finds a free one;
//   - containers have no fixed names and addresses, nor labels, by which proxies and schedulers
//     would take them for the live ones;
//   - what is built is not built again: the image is the live project's, `live`.
Scratch as_scratch(boost::json::object config, std::string_view project, std::string_view live);

// In a port of such a config: what the files publish it on.
inline constexpr std::string_view published_by_files = "x-published";

}  // namespace fbx::compose
