// SPDX-License-Identifier: Apache-2.0
// What the process of an isolated plugin says during a call, or, after a first byte that is odd, on
// a side lane: fusebox's end must survive all of it.
#include "plugin/exchange.hpp"
#include "tests/fuzz/conversation.hpp"

namespace {

using namespace fusebox;

constexpr std::string_view kValue = "{\"a\":1}";

std::int32_t put(fbx_sink sink, std::string_view text = kValue) {
  return sink.write(sink.ctx, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// A host that grants all and does nothing.
struct Nothing {
  static fbx_rc call(fbx_instance*, fbx_op*, std::uint8_t, const plugin::SlotCall& call) {
    for (const std::int32_t fd : call.fds) fuzz::check(fd >= 0, "a descriptor came along");
    return call.sink.write == nullptr ? FBX_OK : put(call.sink);
  }
};

fbx_rc open_service(fbx_str id, const void** table, fbx_instance** self) {
  const std::size_t number = plugin::interface_number({id.ptr, id.len});
  if (number == plugin::kInterfaces.size()) return FBX_NOT_FOUND;
  *table = plugin::kForwardTables<Nothing>[number];
  *self = nullptr;
  return FBX_OK;
}

const fbx_host_secret_v1 kSecrets = {
    sizeof kSecrets, 0, [](fbx_op*, fbx_str, fbx_sink sink) -> fbx_rc { return put(sink); },
    [](fbx_op*, fbx_str, fbx_span) -> fbx_rc { return FBX_OK; }};

const fbx_host_service_v1 kServices = {
    sizeof kServices,
    0,
    [](fbx_op*, fbx_str id, const void** table, fbx_instance** self) -> fbx_rc {
      return open_service(id, table, self);
    },
    [](fbx_op*, fbx_str, fbx_sink sink) -> fbx_rc { return put(sink); },
    [](fbx_op*, fbx_str id, fbx_str, const void** table, fbx_instance** self) -> fbx_rc {
      return open_service(id, table, self);
    },
    [](fbx_op*, const fbx_instance*, fbx_sink sink) -> fbx_rc { return put(sink); }};

const fbx_host_process_v1 kProcesses = {
    sizeof kProcesses, 0,
    [](fbx_op*, fbx_str, fbx_span, fbx_sink out, fbx_sink err, fbx_sink result) -> fbx_rc {
      put(out);
      put(err);
      return put(result);
    }};

const void* get_interface(fbx_op*, fbx_str id) {
  const std::string_view name(id.ptr, id.len);
  if (name == FBX_HOST_SECRET) return &kSecrets;
  if (name == FBX_HOST_SERVICE) return &kServices;
  if (name == FBX_HOST_PROCESS) return &kProcesses;
  return nullptr;
}

const fbx_host kFakeHost = {
    sizeof kFakeHost,
    FBX_ABI_MINOR,
    get_interface,
    [](fbx_op*, std::int32_t, fbx_str) {},
    [](fbx_op*, fbx_rc rc, fbx_str, fbx_str) -> fbx_rc { return rc; },
    [](fbx_op*, std::uint64_t, std::uint64_t, fbx_str, fbx_str) {},
    [](fbx_op*) -> std::int32_t { return 0; },
    [](fbx_op*) -> std::int32_t { return -1; },
    [](fbx_op*) -> std::int64_t { return -1; },
    [](fbx_op*, fbx_str) -> fbx_rc { return FBX_OK; },
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  plugin::LiveOps ops;
  int handle = 0;
  const auto op = ops.add(reinterpret_cast<fbx_op*>(&handle));
  std::size_t taken = 0;
  const fbx_sink sink{&taken, [](void* total, fbx_span bytes) -> std::int32_t {
                        *static_cast<std::size_t*>(total) += bytes.len;
                        return *static_cast<std::size_t*>(total) > 1000 ? FBX_NOMEM : FBX_OK;
                      }};
  fuzz::Conversation conversation({reinterpret_cast<const char*>(data) + 1, size - 1});
  conversation.hold([&](auto& channel, auto& waiter) {
    plugin::Exchange exchange(channel, waiter, kFakeHost);
    if ((data[0] & 1U) != 0)
      exchange.serve_side(ops);
    else
      exchange.until_returned(*op, sink);
  });
  return 0;
}
