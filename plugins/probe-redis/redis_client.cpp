// SPDX-License-Identifier: Apache-2.0
#include "redis_client.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "common/probe.hpp"

namespace fbx::redis {

namespace {

Reply convert(const redisReply& raw) {
  Reply reply;
  switch (raw.type) {
    case REDIS_REPLY_INTEGER:
      reply.type = Reply::Type::integer;
      reply.integer = raw.integer;
      return reply;
    case REDIS_REPLY_NIL:
      return reply;
    case REDIS_REPLY_ARRAY:
      reply.type = Reply::Type::list;
      for (std::size_t i = 0; i < raw.elements; ++i) reply.list.push_back(convert(*raw.element[i]));
      return reply;
    case REDIS_REPLY_STATUS:
      reply.type = Reply::Type::status;
      break;
    case REDIS_REPLY_ERROR:
      reply.type = Reply::Type::error;
      break;
    default:
      reply.type = Reply::Type::text;
      break;
  }
  reply.text.assign(raw.str, raw.len);
  return reply;
}

struct FreeReply {
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};

}  // namespace

std::string_view Reply::error_code() const {
  if (!is_error()) return {};
  return std::string_view(text).substr(0, text.find(' '));
}

void Client::Free::operator()(redisContext* context) const noexcept { redisFree(context); }

Client::Client(const common::Endpoint& endpoint, const common::Deadline& deadline, std::string who)
    : deadline_(deadline),
      who_(std::move(who)),
      context_(redisConnectNonBlock(endpoint.host.c_str(), endpoint.port)) {
  if (!context_) throw Error(FBX_NOMEM, "out of memory", "free some and try again");
  if (context_->err != 0) throw common::cannot_connect(who_, context_->errstr);
  wait(common::Wait::write, "no connection yet");
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) throw common::cannot_connect(who_, std::generic_category().message(error));
}

Client::~Client() = default;

void Client::wait(common::Wait what, std::string_view doing) {
  if (deadline_.wait(context_->fd, what) == common::Ready::timed_out)
    throw common::timed_out(who_, deadline_, std::string(doing));
}

void Client::fail_broken(std::string_view doing) {
  throw common::CheckFailed(
      common::Retry::yes, fmt::format("{} broke the connection", who_),
      fmt::format("{} while {}", context_->errstr, doing),
      "see the server's log (`fusebox logs`); check that a Redis server listens there");
}

Reply Client::command(const std::vector<std::string_view>& words) {
  std::vector<const char*> text;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    text.push_back(word.data() == nullptr ? "" : word.data());
    sizes.push_back(word.size());
  }
  const std::string doing = fmt::format("waiting for the reply to {}", words.front());
  if (redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), text.data(),
                             sizes.data()) != REDIS_OK)
    fail_broken(doing);
  for (int done = 0; done == 0;) {
    wait(common::Wait::write, doing);
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) fail_broken(doing);
  }
  for (;;) {
    void* raw = nullptr;
    if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK) fail_broken(doing);
    if (raw != nullptr) {
      const std::unique_ptr<redisReply, FreeReply> owned(static_cast<redisReply*>(raw));
      return convert(*owned);
    }
    wait(common::Wait::read, doing);
    if (redisBufferRead(context_.get()) != REDIS_OK) fail_broken(doing);
  }
}

}  // namespace fbx::redis
