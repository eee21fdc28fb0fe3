// SPDX-License-Identifier: Apache-2.0
// What fusebox says on a lane: the end in the plugin's process must survive all of it.
#include "guest/guest.hpp"
#include "tests/fuzz/conversation.hpp"

namespace {

using namespace fusebox;
namespace wire = plugin::wire;

const fbx_host* host = nullptr;

fbx_str str(std::string_view text) { return {text.data(), text.size()}; }

const fbx_sink kNowhere{nullptr, [](void*, fbx_span) -> std::int32_t { return FBX_OK; }};

// Asks for everything that there is to ask for.
fbx_rc ask(fbx_op* op, fbx_sink result) {
  host->log(op, FBX_LOG_INFO, str("a line"));
  host->progress(op, 1, 2, str("bytes"), str("this"));
  host->checkpoint(op, str("{}"));
  host->cancelled(op);
  host->remaining_ms(op);
  const auto* secrets =
      static_cast<const fbx_host_secret_v1*>(host->get_interface(op, str(FBX_HOST_SECRET)));
  secrets->get(op, str("A"), kNowhere);
  secrets->put(op, str("A"), {nullptr, 0});
  const auto* services =
      static_cast<const fbx_host_service_v1*>(host->get_interface(op, str(FBX_HOST_SERVICE)));
  services->providers(op, str(FBX_IFACE_STORE), result);
  const void* table = nullptr;
  fbx_instance* self = nullptr;
  if (services->open(op, str(FBX_IFACE_RUNTIME), &table, &self) == FBX_OK) {
    const auto* runtime = static_cast<const fbx_runtime_v1*>(table);
    runtime->exec(self, op, str("{}"), 0, 1, 2, result);
    services->failure(op, self, result);
  }
  const auto* processes =
      static_cast<const fbx_host_process_v1*>(host->get_interface(op, str(FBX_HOST_PROCESS)));
  processes->run(op, str("{}"), {nullptr, 0}, kNowhere, kNowhere, result);
  return host->fail(op, FBX_IO, str("what"), str("hint"));
}

struct Asking {
  static fbx_rc call(fbx_instance*, fbx_op* op, std::uint8_t, const plugin::SlotCall& call) {
    return ask(op, call.sink.write == nullptr ? kNowhere : call.sink);
  }
};

const fbx_plugin kPlugin = {
    sizeof(fbx_plugin),
    0,
    "",
    [](const fbx_host* given, fbx_op* op, fbx_str, fbx_instance** out) -> fbx_rc {
      static int instance = 0;
      host = given;
      host->log(op, FBX_LOG_INFO, str("made"));
      *out = reinterpret_cast<fbx_instance*>(&instance);
      return FBX_OK;
    },
    [](fbx_instance*) {},
    [](fbx_instance*, fbx_str id) -> const void* {
      const std::size_t number = plugin::interface_number({id.ptr, id.len});
      return number == plugin::kInterfaces.size() ? nullptr
                                                  : plugin::kForwardTables<Asking>[number];
    }};

const fbx_plugin& load(const wire::Load& message, const util::UniqueFd&) {
  if (message.id == "bad") throw Error(Errc::nomem, "bad", "do not");
  return kPlugin;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Conversation control("");
  fuzz::Conversation conversation({reinterpret_cast<const char*>(data), size});
  control.hold([&](auto& control_channel, auto&) {
    guest::Link link(control_channel);
    guest::Guest guest(link, load);
    conversation.hold([&](auto& channel, auto&) { guest.serve(channel, {}); });
  });
  return 0;
}
