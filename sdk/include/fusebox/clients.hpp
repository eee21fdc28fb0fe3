// SPDX-License-Identifier: Apache-2.0
//
// Other plugins' services, as a plugin uses them. Part of plugin.hpp; Op makes them.
#ifndef FUSEBOX_CLIENTS_HPP
#define FUSEBOX_CLIENTS_HPP

#include "runtime.h"
#include "snapshot.h"
#include "store.h"
#include "values.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace fbx {

// Another plugin's service, as a plugin uses it: requests and answers are JSON, as the interface's
// header says. Made by Op, valid while the op is. Each thread asks for a client of its own.
template <class Table>
class Client {
 public:
  Client(const fbx_host_service_v1* service, const Table* table, fbx_instance* self, fbx_op* op)
      : service_(service), table_(table), self_(self), op_(op) {}

 protected:
  template <class Slot, class... Extra>
  std::string ask(Slot slot, std::string_view request, Extra... extra) const {
    if (!has(table_, slot))
      throw Error(FBX_UNSUPPORTED, "the plugin that is asked is older than this question",
                  "update it");
    std::string out;
    const fbx_rc rc = (table_->*slot)(self_, op_, to_str(request), extra..., collect(out));
    if (rc == FBX_OK) return out;
    std::string detail;
    if (has(service_, &fbx_host_service_v1::failure))
      service_->failure(op_, self_, collect(detail));
    throw Reported(rc, std::move(detail));
  }

 private:
  const fbx_host_service_v1* service_;
  const Table* table_;
  fbx_instance* self_;
  fbx_op* op_;
};

class RuntimeClient : public Client<fbx_runtime_v1> {
 public:
  using Client::Client;
  std::string services(std::string_view request = "{}") const {
    return ask(&fbx_runtime_v1::services, request);
  }
  std::string endpoint(std::string_view request) const {
    return ask(&fbx_runtime_v1::endpoint, request);
  }
  std::string exec(std::string_view request, int in, int out, int err) const {
    return ask(&fbx_runtime_v1::exec, request, in, out, err);
  }
  std::string volumes(std::string_view request = "{}") const {
    return ask(&fbx_runtime_v1::volumes, request);
  }
  std::string volume_export(std::string_view request, int fd) const {
    return ask(&fbx_runtime_v1::volume_export, request, fd);
  }
  std::string volume_import(std::string_view request, int fd) const {
    return ask(&fbx_runtime_v1::volume_import, request, fd);
  }
  std::string volume_stage(std::string_view request, int fd) const {
    return ask(&fbx_runtime_v1::volume_stage, request, fd);
  }
  std::string volume_turn(std::string_view request) const {
    return ask(&fbx_runtime_v1::volume_turn, request);
  }
};

class SnapshotClient : public Client<fbx_snapshot_v1> {
 public:
  using Client::Client;
  std::string sources(std::string_view request = "{}") const {
    return ask(&fbx_snapshot_v1::sources, request);
  }
  std::string capture(std::string_view request, int fd) const {
    return ask(&fbx_snapshot_v1::capture, request, fd);
  }
  std::string inspect(std::string_view request, int fd) const {
    return ask(&fbx_snapshot_v1::inspect, request, fd);
  }
  std::string stage(std::string_view request, int fd) const {
    return ask(&fbx_snapshot_v1::stage, request, fd);
  }
  std::string turn(std::string_view request) const { return ask(&fbx_snapshot_v1::turn, request); }
  std::string count(std::string_view request) const {
    return ask(&fbx_snapshot_v1::count, request);
  }
};

class StoreClient : public Client<fbx_store_v1> {
 public:
  using Client::Client;
  std::string begin(std::string_view request) const { return ask(&fbx_store_v1::begin, request); }
  std::string put(std::string_view request, int fd) const {
    return ask(&fbx_store_v1::put, request, fd);
  }
  std::string commit(std::string_view request) const { return ask(&fbx_store_v1::commit, request); }
  std::string abort(std::string_view request) const { return ask(&fbx_store_v1::abort, request); }
  std::string list(std::string_view request = "{}") const {
    return ask(&fbx_store_v1::list, request);
  }
  std::string get(std::string_view request, int fd) const {
    return ask(&fbx_store_v1::get, request, fd);
  }
  std::string verify(std::string_view request) const { return ask(&fbx_store_v1::verify, request); }
  std::string pin(std::string_view request) const { return ask(&fbx_store_v1::pin, request); }
  std::string remove(std::string_view request) const { return ask(&fbx_store_v1::remove, request); }
};

}  // namespace fbx

#endif  // FUSEBOX_CLIENTS_HPP
