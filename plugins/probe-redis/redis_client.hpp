// SPDX-License-Identifier: Apache-2.0
// A Redis connection whose every wait ends by a deadline or a cancel.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/deadline.hpp"
#include "common/endpoint.hpp"

struct redisContext;

namespace fbx::redis {

struct Reply {
  enum class Type { text, status, error, integer, nil, list };
  Type type = Type::nil;
  std::string text;  // of text, status and error
  std::int64_t integer = 0;
  std::vector<Reply> list;

  bool is_error() const { return type == Type::error; }
  // "NOAUTH", "WRONGPASS", "ERR", ...; empty when it is no error.
  std::string_view error_code() const;
};

class Client {
 public:
  // Connects. Throws common::CheckFailed when that fails. `who` names the server in texts.
  Client(const common::Endpoint& endpoint, const common::Deadline& deadline, std::string who);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends a command and waits for its reply, which may be an error reply. Throws
  // common::CheckFailed when the connection breaks or the deadline passes.
  Reply command(const std::vector<std::string_view>& words);

 private:
  struct Free {
    void operator()(redisContext* context) const noexcept;
  };
  [[noreturn]] void fail_broken(std::string_view doing);
  void wait(common::Wait what, std::string_view doing);

  const common::Deadline& deadline_;
  std::string who_;
  std::unique_ptr<redisContext, Free> context_;
};

}  // namespace fbx::redis
