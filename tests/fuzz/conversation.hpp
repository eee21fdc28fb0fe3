// SPDX-License-Identifier: Apache-2.0
// One end of the protocol of isolated plugins, whose other end says the input and takes whatever it
// is told.
#pragma once

#include "plugin/wire.hpp"
#include "tests/fuzz/check.hpp"
#include "util/error.hpp"
#include "util/text.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <thread>

namespace fusebox::fuzz {

namespace wire = plugin::wire;

class Conversation {
 public:
  explicit Conversation(std::string_view input) : Conversation(wire::make_pair(), input) {}
  ~Conversation() {
    ::shutdown(channel_.fd(), SHUT_RDWR);
    drain_.join();
  }

  // Calls `body(channel, waiter)`, which may end in all that a lie may end in.
  template <class Body>
  void hold(Body&& body) {
    try {
      body(channel_, wait_);
    } catch (const wire::ProtocolError& error) {
      const std::string_view text = error.what();
      check(!text.empty() && util::valid_utf8(text), "a refusal has a reason");
      check(text.find('\n') == text.npos, "a reason is one line");
    } catch (const wire::Closed&) {
      // All was said.
    } catch (const Error& error) {
      check(error.code() == Errc::nomem, "nothing else fails");
    }
  }

 private:
  class Wait : public wire::Waiter {
    void wait(int fd, short events, bool) override {
      pollfd entry{fd, events, 0};
      check(::poll(&entry, 1, 5000) > 0, "the other end is there, so nothing waits for long");
    }
  };

  Conversation(wire::Pair pair, std::string_view input)
      : channel_(std::move(pair.ours)), theirs_(std::move(pair.theirs)) {
    check(
        ::send(theirs_.get(), input.data(), input.size(), 0) == static_cast<ssize_t>(input.size()),
        "an input fits a socket");
    ::shutdown(theirs_.get(), SHUT_WR);
    drain_ = std::thread([fd = theirs_.get()] {
      std::array<char, 65536> buffer;
      while (::read(fd, buffer.data(), buffer.size()) > 0) {
      }
    });
  }

  wire::Channel channel_;
  util::UniqueFd theirs_;
  Wait wait_;
  std::thread drain_;
};

}  // namespace fusebox::fuzz
