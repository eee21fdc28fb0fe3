// SPDX-License-Identifier: Apache-2.0
// A small HTTP server on a Unix socket whose every byte a test decides.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fusebox::test {

class UnixServer;

// One request, and the connection that it came on.
class Conversation {
 public:
  std::string method;
  std::string target;                          // path and query
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // when it came with a Content-Length

  // False when the client is gone.
  bool send(std::string_view bytes);
  // A whole answer with a Content-Length.
  bool answer(int status, std::string_view json);
  // The same in chunks of `size` bytes, each sent by itself.
  bool answer_in_chunks(int status, std::string_view body, std::size_t size);
  // The next bytes; empty when the client has ended its side.
  std::string receive();
  // Sleeps, but not past the server's end.
  void pause(std::chrono::milliseconds time);
  // No further request is read from this connection.
  void hang_up() { keep_ = false; }

 private:
  friend class UnixServer;
  UnixServer* server_ = nullptr;
  int fd_ = -1;
  std::string rest_;
  bool keep_ = true;
};

class UnixServer {
 public:
  using Handler = std::function<void(Conversation&)>;

  // Listens on `path` and answers each connection on a thread of its own.
  UnixServer(const std::filesystem::path& path, Handler handler);
  // Ends all connections.
  ~UnixServer();
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;

  // "GET /v1.41/containers/json?all=1", in the order they came.
  std::vector<std::string> requests() const;

 private:
  friend class Conversation;
  void listen();
  void serve(int fd);
  bool read_request(Conversation& talk);

  Handler handler_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::vector<std::string> requests_;
  std::vector<int> open_;
  std::list<std::thread> threads_;
  std::thread thread_;
};

}  // namespace fusebox::test
