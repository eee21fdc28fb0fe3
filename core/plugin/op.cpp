// SPDX-License-Identifier: Apache-2.0
// fbx_host: the functions that a plugin may call during a call of its own.
#include "plugin/op.hpp"

#include "plugin/host_impl.hpp"
#include "util/text.hpp"

#include <chrono>

void fbx_op::close() {
  const std::lock_guard lock(mutex);
  context = nullptr;
}

namespace fusebox::plugin {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxText = 64U << 10U;

// What a plugin says, fit to be shown: bounded, valid UTF-8 without control characters, redacted.
std::string fit(const fbx_op& op, fbx_str raw) {
  const std::string_view text = view(raw).substr(0, kMaxText);
  return util::sanitize_line(op.host.redactor.redact(text));
}

const void* get_interface(fbx_op*, fbx_str id) { return host_service(view(id)); }

void log(fbx_op* op, std::int32_t level, fbx_str message) {
  const std::lock_guard lock(op->mutex);
  if (op->context == nullptr || !op->context->log) return;
  if (level < FBX_LOG_DEBUG || level > FBX_LOG_ERROR) level = FBX_LOG_INFO;
  op->context->log(static_cast<LogLevel>(level), fit(*op, message));
}

fbx_rc fail(fbx_op* op, fbx_rc rc, fbx_str what, fbx_str hint) {
  const std::lock_guard lock(op->mutex);
  if (op->context != nullptr) op->failure = Failure{rc, fit(*op, what), fit(*op, hint)};
  return rc;
}

void progress(fbx_op* op, std::uint64_t done, std::uint64_t total, fbx_str unit, fbx_str what) {
  const std::lock_guard lock(op->mutex);
  if (op->context == nullptr || !op->context->progress) return;
  const std::string shown_unit = fit(*op, unit);
  const std::string shown_what = fit(*op, what);
  op->context->progress({done, total, shown_unit, shown_what});
}

bool past_deadline(const CallContext& context) {
  return context.deadline && Clock::now() >= *context.deadline;
}

std::int32_t cancelled(fbx_op* op) {
  const std::lock_guard lock(op->mutex);
  if (op->context == nullptr) return 1;
  const bool asked = op->context->cancel != nullptr && op->context->cancel->cancelled();
  return asked || past_deadline(*op->context) ? 1 : 0;
}

std::int32_t cancel_fd(fbx_op* op) {
  const std::lock_guard lock(op->mutex);
  if (op->context == nullptr || op->context->cancel == nullptr) return -1;
  return op->context->cancel->fd();
}

std::int64_t remaining_ms(fbx_op* op) {
  const std::lock_guard lock(op->mutex);
  if (op->context == nullptr) return 0;
  if (!op->context->deadline) return -1;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(*op->context->deadline - Clock::now());
  return std::max<std::int64_t>(0, left.count());
}

fbx_rc checkpoint(fbx_op* op, fbx_str json) {
  return answer(op, [&] {
    std::function<void(std::string_view)> write;
    {
      const std::lock_guard lock(op->mutex);
      if (std::this_thread::get_id() != op->thread) {
        op->violation = "called checkpoint() from a thread that does not run the op";
        throw Error(Errc::argument, "checkpoint() belongs to the op's own thread");
      }
      if (op->context == nullptr || !op->context->checkpoint)
        throw Error(Errc::unsupported, "there is no journal outside a run");
      write = op->context->checkpoint;
    }
    boost::system::error_code ec;
    boost::json::value value = boost::json::parse(view(json), ec);
    if (ec || !value.is_object())
      throw Error(Errc::argument, "a checkpoint must be one JSON object");
    op->host.redact(value);
    write(boost::json::serialize(value));
  });
}

}  // namespace

const fbx_host kHostTable = {
    sizeof(fbx_host), FBX_ABI_MINOR, get_interface, log,          fail,
    progress,         cancelled,     cancel_fd,     remaining_ms, checkpoint,
};

}  // namespace fusebox::plugin
