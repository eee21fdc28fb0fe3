// SPDX-License-Identifier: Apache-2.0
#include "check/bench.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <cstring>
#include <random>

namespace fusebox::check {

namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxAnswer = 16U << 20U;

Call& call_of(fbx_op* op) { return *reinterpret_cast<Call*>(op); }

// Held while a host function works. A call that is over is an offence, whatever was asked.
class Entered {
 public:
  Entered(fbx_op* op, const char* function) : call(call_of(op)), lock_(call.bench.mutex()) {
    if (!call.open)
      call.bench.deeds().offences.push_back(
          fmt::format("called {}() with an op that had returned already", function));
  }
  Call& call;

 private:
  std::lock_guard<std::mutex> lock_;
};

fbx_rc refuse(fbx_op* op, fbx_rc rc, std::string what, std::string hint) {
  const Entered in(op, "a service");
  in.call.failure = Failure{rc, std::move(what), std::move(hint)};
  return rc;
}

// ---- fbx_host -----------------------------------------------------------------------------------

void log(fbx_op* op, std::int32_t level, fbx_str message) {
  const Entered in(op, "log");
  if (level < FBX_LOG_DEBUG || level > FBX_LOG_ERROR)
    in.call.bench.deeds().offences.push_back(fmt::format("logged at level {}", level));
  in.call.bench.deeds().said.emplace_back(view(message));
}

fbx_rc fail_op(fbx_op* op, fbx_rc rc, fbx_str what, fbx_str hint) {
  const Entered in(op, "fail");
  in.call.failure = Failure{rc, std::string(view(what)), std::string(view(hint))};
  in.call.bench.deeds().said.emplace_back(view(what));
  in.call.bench.deeds().said.emplace_back(view(hint));
  return rc;
}

void progress(fbx_op* op, std::uint64_t, std::uint64_t, fbx_str unit, fbx_str what) {
  const Entered in(op, "progress");
  in.call.bench.deeds().said.emplace_back(view(unit));
  in.call.bench.deeds().said.emplace_back(view(what));
}

std::int64_t left(const Call& call) {
  if (!call.options.deadline) return -1;
  const auto gone =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - call.start);
  return std::max<std::int64_t>(0, (*call.options.deadline - gone).count());
}

std::int32_t cancelled(fbx_op* op) {
  const Entered in(op, "cancelled");
  return !in.call.open || in.call.cancel->cancelled() || left(in.call) == 0 ? 1 : 0;
}

std::int32_t cancel_fd(fbx_op* op) {
  const Entered in(op, "cancel_fd");
  return in.call.cancel ? in.call.cancel->fd() : -1;
}

std::int64_t remaining_ms(fbx_op* op) {
  const Entered in(op, "remaining_ms");
  return left(in.call);
}

fbx_rc checkpoint(fbx_op* op, fbx_str text) {
  const Entered in(op, "checkpoint");
  Bench::Deeds& deeds = in.call.bench.deeds();
  if (std::this_thread::get_id() != in.call.thread)
    deeds.offences.emplace_back("called checkpoint() from a thread that does not run the op");
  boost::system::error_code ec;
  const auto value = json::parse(view(text), ec);
  if (ec || !value.is_object())
    deeds.offences.emplace_back("gave checkpoint() something that is not one JSON object");
  deeds.checkpoints.emplace_back(view(text));
  if (in.call.options.journal) return FBX_OK;
  in.call.failure = Failure{FBX_UNSUPPORTED, "there is no journal outside a run", ""};
  return FBX_UNSUPPORTED;
}

// ---- Services -----------------------------------------------------------------------------------

fbx_rc get_secret(fbx_op* op, fbx_str name, fbx_sink value) {
  std::string text;
  {
    const Entered in(op, "secret.get");
    Bench& bench = in.call.bench;
    bench.deeds().asked.emplace(view(name));
    if (bench.secrets().count(std::string(view(name))) == 0) {
      bench.deeds().asked_unallowed.emplace(view(name));
      in.call.failure = Failure{FBX_DENIED, "this secret is not the plugin's to ask for", ""};
      return FBX_DENIED;
    }
    text = bench.canary();
  }
  return value.write(value.ctx, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

fbx_rc put_secret(fbx_op* op, fbx_str name, fbx_span value) {
  const Entered in(op, "secret.put");
  in.call.bench.deeds().put[std::string(view(name))].assign(
      reinterpret_cast<const char*>(value.ptr), static_cast<std::size_t>(value.len));
  return FBX_OK;
}

fbx_rc open_service(fbx_op* op, fbx_str id, const void**, fbx_instance**) {
  return refuse(op, FBX_NOT_FOUND,
                fmt::format("a check has no other plugins, and so no provider of {}", view(id)),
                "");
}
fbx_rc open_named(fbx_op* op, fbx_str id, fbx_str, const void** table, fbx_instance** self) {
  return open_service(op, id, table, self);
}
fbx_rc providers(fbx_op* op, fbx_str, fbx_sink result) {
  { const Entered in(op, "service.providers"); }
  static constexpr std::string_view none = R"({"instances":[]})";
  return result.write(result.ctx,
                      {reinterpret_cast<const std::uint8_t*>(none.data()), none.size()});
}
fbx_rc no_failure(fbx_op* op, const fbx_instance*, fbx_sink result) {
  { const Entered in(op, "service.failure"); }
  return result.write(result.ctx, {reinterpret_cast<const std::uint8_t*>("{}"), 2});
}

fbx_rc run_process(fbx_op* op, fbx_str request, fbx_span, fbx_sink, fbx_sink, fbx_sink) {
  std::string program;
  {
    const Entered in(op, "process.run");
    Bench& bench = in.call.bench;
    boost::system::error_code ec;
    const auto value = json::parse(view(request), ec);
    const auto* object = value.if_object();
    const auto* command = object != nullptr ? object->if_contains("command") : nullptr;
    const auto* words = command != nullptr ? command->if_array() : nullptr;
    if (ec || words == nullptr || words->empty() || !words->front().is_string()) {
      bench.deeds().offences.emplace_back("asked for a process without a command");
      in.call.failure = Failure{FBX_ARGUMENT, "the request has no command", ""};
      return FBX_ARGUMENT;
    }
    program = words->front().get_string();
    bench.deeds().commands.push_back(json::serialize(*words));
    if (program.find('/') == std::string::npos && bench.programs().count(program) == 0)
      bench.deeds().undeclared_programs.push_back(program);
  }
  return refuse(op, FBX_NOT_FOUND, fmt::format("a check runs no programs, and so not {}", program),
                "");
}

constexpr fbx_host_secret_v1 kSecret = {sizeof(fbx_host_secret_v1), 0, get_secret, put_secret};
constexpr fbx_host_service_v1 kService = {
    sizeof(fbx_host_service_v1), 0, open_service, providers, open_named, no_failure};
constexpr fbx_host_process_v1 kProcess = {sizeof(fbx_host_process_v1), 0, run_process};

const void* get_interface(fbx_op* op, fbx_str id) {
  { const Entered in(op, "get_interface"); }
  if (view(id) == FBX_HOST_SECRET) return &kSecret;
  if (view(id) == FBX_HOST_SERVICE) return &kService;
  if (view(id) == FBX_HOST_PROCESS) return &kProcess;
  return nullptr;
}
const void* no_interface(fbx_op* op, fbx_str) {
  const Entered in(op, "get_interface");
  return nullptr;
}

std::int32_t write_answer(void* ctx, fbx_span bytes) {
  Call& call = *static_cast<Call*>(ctx);
  const std::lock_guard lock(call.bench.mutex());
  if (!call.open)
    call.bench.deeds().offences.emplace_back("wrote to a sink after its call had returned");
  call.wrote_after_refusal |= call.refused;
  const std::size_t limit = call.options.sink_takes.value_or(kMaxAnswer);
  if (bytes.len > limit - call.text.size()) {
    call.refused = true;
    return call.options.sink_takes ? FBX_IO : FBX_NOMEM;
  }
  call.text.append(reinterpret_cast<const char*>(bytes.ptr), static_cast<std::size_t>(bytes.len));
  return FBX_OK;
}

std::string new_canary() {
  std::random_device random;
  std::string text = "canary";
  for (int i = 0; i < 4; ++i) text += fmt::format("{:08x}", random());
  return text;
}

}  // namespace

Bench::Bench(std::set<std::string> secrets, std::set<std::string> programs)
    : canary_(new_canary()),
      secrets_(std::move(secrets)),
      programs_(std::move(programs)),
      full_{sizeof(fbx_host), FBX_ABI_MINOR, get_interface, log,          fail_op,
            progress,         cancelled,     cancel_fd,     remaining_ms, checkpoint},
      bare_(full_) {
  bare_.get_interface = no_interface;
}

Answer Bench::call(const CallOptions& options, const Body& body) {
  Call* call = nullptr;
  {
    const std::lock_guard lock(mutex_);
    call = &calls_.emplace_back(*this, options);
  }
  if (options.cancelled) call->cancel->cancel();
  std::thread canceller;
  if (options.cancel_after)
    canceller = std::thread([call, after = *options.cancel_after] {
      std::this_thread::sleep_for(after);
      call->cancel->cancel();
    });
  Answer answer;
  answer.rc = body(reinterpret_cast<fbx_op*>(call), fbx_sink{call, write_answer});
  const auto took = Clock::now() - call->start;
  if (canceller.joinable()) canceller.join();
  const std::lock_guard lock(mutex_);
  call->open = false;
  call->cancel.reset();
  answer.text = call->text;
  answer.failure = call->failure;
  answer.wrote_after_refusal = call->wrote_after_refusal;
  answer.took = std::chrono::duration_cast<std::chrono::milliseconds>(took);
  return answer;
}

const fbx_host* Bench::older_host() const {
  // Behind its end lies what an older host happens to have there: nothing that can be called.
  static fbx_host older;
  std::memset(&older, 0xAA, sizeof older);
  std::memcpy(&older, &full_, offsetof(fbx_host, checkpoint));
  older.struct_size = offsetof(fbx_host, checkpoint);
  return &older;
}

const fbx_host* Bench::newer_host() const {
  struct Newer {
    fbx_host today;
    std::array<void*, 8> tomorrow;
  };
  static Newer newer;
  newer.today = full_;
  newer.today.struct_size = sizeof newer;
  newer.today.abi_minor = FBX_ABI_MINOR + 1;
  newer.tomorrow.fill(nullptr);
  return &newer.today;
}

}  // namespace fusebox::check
