// SPDX-License-Identifier: Apache-2.0
//
// What a plugin implements: one class per interface. Part of plugin.hpp.
#ifndef FUSEBOX_FACES_HPP
#define FUSEBOX_FACES_HPP

#include "values.hpp"

#include <string>
#include <string_view>

namespace fbx {

class Op;

class Plugin {
 public:
  virtual ~Plugin() = default;
};

// step.h says what the requests and results hold.
class Step {
 public:
  virtual ~Step() = default;
  virtual std::string plan(Op& op, std::string_view request) = 0;
  virtual std::string run(Op& op, std::string_view request) = 0;
  virtual std::string undo(Op&, std::string_view) { return "{}"; }
};

// secrets.h
class Secrets {
 public:
  virtual ~Secrets() = default;
  virtual std::string list(Op& op, std::string_view request) = 0;
  virtual std::string resolve(Op& op, std::string_view request) = 0;
  virtual std::string check(Op& op, std::string_view request) = 0;
  virtual std::string template_text(Op& op, std::string_view request) = 0;
};

// runtime.h
class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual std::string services(Op& op, std::string_view request) = 0;
  virtual std::string endpoint(Op& op, std::string_view request) = 0;
  virtual std::string exec(Op& op, std::string_view request, int in, int out, int err) = 0;
  virtual void logs(Op& op, std::string_view request, const Sink& ndjson) = 0;
  virtual std::string stats(Op& op, std::string_view request) = 0;
  virtual std::string volumes(Op& op, std::string_view request) = 0;
  virtual std::string volume_export(Op& op, std::string_view request, int fd) = 0;
  virtual std::string volume_import(Op& op, std::string_view request, int fd) = 0;
  virtual std::string volume_stage(Op&, std::string_view, int) {
    throw Error(FBX_UNSUPPORTED, "this runtime cannot restore a volume beside the old one");
  }
  virtual std::string volume_turn(Op&, std::string_view) {
    throw Error(FBX_UNSUPPORTED, "this runtime cannot restore a volume beside the old one");
  }
};

// snapshot.h
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual std::string sources(Op& op, std::string_view request) = 0;
  virtual std::string capture(Op& op, std::string_view request, int fd) = 0;
  virtual std::string inspect(Op& op, std::string_view request, int fd) = 0;
  virtual std::string stage(Op&, std::string_view, int) {
    throw Error(FBX_UNSUPPORTED, "this plugin cannot restore");
  }
  virtual std::string turn(Op&, std::string_view) {
    throw Error(FBX_UNSUPPORTED, "this plugin cannot restore");
  }
  virtual std::string count(Op&, std::string_view) {
    throw Error(FBX_UNSUPPORTED, "this plugin cannot restore");
  }
};

// store.h
class Store {
 public:
  virtual ~Store() = default;
  virtual std::string begin(Op& op, std::string_view request) = 0;
  virtual std::string put(Op& op, std::string_view request, int fd) = 0;
  virtual std::string commit(Op& op, std::string_view request) = 0;
  virtual std::string abort(Op& op, std::string_view request) = 0;
  virtual std::string list(Op& op, std::string_view request) = 0;
  virtual std::string get(Op& op, std::string_view request, int fd) = 0;
  virtual std::string verify(Op& op, std::string_view request) = 0;
  virtual std::string pin(Op& op, std::string_view request) = 0;
  virtual std::string remove(Op& op, std::string_view request) = 0;
};

// observer.h
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void event(Op& op, std::string_view event_json) = 0;
};

}  // namespace fbx

#endif  // FUSEBOX_FACES_HPP
