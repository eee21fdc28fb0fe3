// SPDX-License-Identifier: Apache-2.0
#include "plugin/wire.hpp"

#include "plugin/slots.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

using namespace fusebox::plugin;
using fusebox::util::UniqueFd;

namespace {

class Wait : public wire::Waiter {
  void wait(int fd, short events, bool) override {
    pollfd entry{fd, events, 0};
    if (::poll(&entry, 1, 5000) <= 0) throw std::runtime_error("nothing came in 5 s");
  }
};

struct Line {
  Line() : Line(wire::make_pair()) {}
  explicit Line(wire::Pair pair) : ours(std::move(pair.ours)), theirs(std::move(pair.theirs)) {}

  // What receive() says of these bytes, when nothing follows.
  std::string refusal(std::string bytes) {
    REQUIRE(::write(theirs.fd(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    ::shutdown(theirs.fd(), SHUT_WR);
    try {
      ours.receive(wait);
      return "ok";
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  wire::Channel ours;
  wire::Channel theirs;
  Wait wait;
};

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

}  // namespace

TEST_CASE("a message comes out as it went in") {
  Line line;
  wire::Call sent;
  sent.op = 7;
  sent.left_us = -1;
  sent.interface = 2;
  sent.slot = 9;
  sent.request = "{\"a\":1}";
  line.ours.send(sent, line.wait);
  const wire::Frame frame = line.theirs.receive(line.wait);
  const auto got = wire::decode<wire::Call>(frame);
  CHECK(got.op == 7);
  CHECK(got.left_us == -1);
  CHECK(got.interface == 2);
  CHECK(got.slot == 9);
  CHECK(got.request == "{\"a\":1}");
}

TEST_CASE("a message may be larger than what a socket holds") {
  Line line;
  const std::string text(3U << 20U, 'x');
  wire::Answer sent;
  sent.bytes = text;
  std::thread sender([&] { line.ours.send(sent, line.wait); });
  const wire::Frame frame = line.theirs.receive(line.wait);
  sender.join();
  CHECK(wire::decode<wire::Answer>(frame).bytes == text);
}

TEST_CASE("descriptors come along, and stay the sender's") {
  Line line;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const UniqueFd read(ends[0]);
  const UniqueFd write(ends[1]);
  line.ours.send(wire::Lane{}, line.wait, std::array{read.get(), write.get()});
  const wire::Frame frame = line.theirs.receive(line.wait);
  wire::decode<wire::Lane>(frame);
  REQUIRE(frame.fds.size() == 2);
  CHECK(::write(frame.fds[1].get(), "!", 1) == 1);
  char byte = 0;
  CHECK(::read(read.get(), &byte, 1) == 1);
  CHECK(byte == '!');
}

TEST_CASE("what is no message is refused") {
  CHECK(Line().refusal("GET / HTTP/1.1\r\n") == "sent something that is no message");
  CHECK(Line().refusal(bytes({0, 0, 0, 0, 0x99, 0, 0, 0})) == "sent something that is no message");
  CHECK(Line().refusal(bytes({0, 0, 0, 0, 0x14, 0, 1, 0})) == "sent something that is no message");
  CHECK(Line().refusal(bytes({0, 0, 0, 0, 0x14, 9, 0, 0})) == "sent something that is no message");
  CHECK(Line().refusal(bytes({1, 0, 0, 4, 0x14, 0, 0, 0})) == "sent something that is no message");
  CHECK(Line().refusal(bytes({0, 0, 0, 0, 0x14, 1, 0, 0})) == "sent 0 descriptors where 1 belong");
  // A length that lies: the rest never comes.
  CHECK(Line().refusal(bytes({0, 0, 0, 4, 0x14, 0, 0, 0, 'x'})) ==
        "closed its connection to fusebox");
  CHECK(Line().refusal("") == "closed its connection to fusebox");
  CHECK(Line().refusal(bytes({0, 0, 0, 0, 0x14, 0, 0, 0})) == "ok");
}

TEST_CASE("descriptors that nobody asked for are refused, and closed") {
  Line line;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  line.ours.send(wire::Side{}, line.wait, std::array{write.get(), write.get()});
  write.reset();
  {
    const wire::Frame frame = line.theirs.receive(line.wait);
    CHECK_THROWS_AS(wire::decode<wire::Side>(frame), wire::ProtocolError);
  }
  char byte = 0;
  CHECK(::read(read.get(), &byte, 1) == 0);  // no writer is left
}

TEST_CASE("a message that is too short or too long for its type is refused") {
  wire::Frame frame;
  frame.type = wire::Type::ack;
  for (const std::size_t size : {0U, 3U, 5U}) {
    CAPTURE(size);
    frame.body = std::string(size, '\0');
    CHECK_THROWS_AS(wire::decode<wire::Ack>(frame), wire::ProtocolError);
  }
  frame.body = std::string(4, '\0');
  CHECK(wire::decode<wire::Ack>(frame).rc == 0);
  CHECK_THROWS_AS(wire::decode<wire::Returned>(frame), wire::ProtocolError);
  wire::Frame text;
  text.type = wire::Type::describe;
  text.body = bytes({9, 0, 0, 0, 'a'});
  CHECK_THROWS_AS(wire::decode<wire::Describe>(text), wire::ProtocolError);
}

TEST_CASE("every interface has its number, and its slots their shapes") {
  CHECK(interface_number("fusebox.step/1") == 0);
  CHECK(interface_number("fusebox.observer/1") == 5);
  CHECK(interface_number("fusebox.step/2") == kInterfaces.size());
  CHECK(kInterfaces[2].slots[2].fds == 3);  // exec
  CHECK(kInterfaces[2].slots[3].streams);   // logs
  CHECK_FALSE(kInterfaces[2].slots[4].streams);
  CHECK(kInterfaces[4].slots[1].fds == 1);  // put
}
