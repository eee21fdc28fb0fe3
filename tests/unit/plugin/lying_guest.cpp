// SPDX-License-Identifier: Apache-2.0
// Speaks the protocol of isolated plugins as fusebox-plugin-host does, up to the lie that the name
// it was called by stands for.
#include "plugin/slots.hpp"
#include "plugin/wire.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

namespace wire = fusebox::plugin::wire;
using fusebox::util::UniqueFd;

namespace {

class Wait : public wire::Waiter {
  void wait(int fd, short events, bool) override {
    pollfd entry{fd, events, 0};
    ::poll(&entry, 1, -1);
  }
};

struct Peer {
  wire::Channel control;
  wire::Channel lane;
  Wait wait;

  void raw(std::string_view bytes) {
    if (::write(lane.fd(), bytes.data(), bytes.size()) < 0) std::_Exit(1);
  }
  template <class M>
  void say(const M& message, std::span<const int> fds = {}) {
    lane.send(message, wait, fds);
  }
  void give(std::uint32_t op, std::string_view bytes = "{}") {
    wire::Returned returned;
    returned.op = op;
    returned.bytes = bytes;
    say(returned);
  }
  // Up to the answer that a request of `op` gets.
  template <class M>
  void ask(M message, std::uint32_t op) {
    message.op = op;
    say(message);
    lane.receive(wait);
  }
};

std::string header(std::uint32_t size, int type, int fds = 0) {
  std::string text;
  wire::detail::put(text, size, 4);
  wire::detail::put(text, static_cast<unsigned>(type), 1);
  wire::detail::put(text, static_cast<unsigned>(fds), 1);
  wire::detail::put(text, 0, 2);
  return text;
}

[[noreturn]] void wait_for_death() {
  for (;;) ::pause();
}

// What each does when run() is called as `op`.
using Lie = std::function<void(Peer&, std::uint32_t op)>;

const std::map<std::string, Lie> kLies = {
    {"honest", [](Peer& peer, std::uint32_t op) { peer.give(op); }},
    {"early-eof",
     [](Peer& peer, std::uint32_t) {
       ::shutdown(peer.lane.fd(), SHUT_RDWR);
       wait_for_death();
     }},
    {"half-a-message", [](Peer& peer, std::uint32_t) { peer.raw(header(1000, 0x21) + "x"); }},
    {"endless-length", [](Peer& peer, std::uint32_t) { peer.raw(header(0xffffffffU, 0x21)); }},
    {"long-message",
     [](Peer& peer, std::uint32_t) { peer.raw(header(14, 0x21) + std::string(14, '\0')); }},
    {"unknown-type", [](Peer& peer, std::uint32_t) { peer.raw(header(0, 0x77)); }},
    {"own-type",  // one that only fusebox may say
     [](Peer& peer, std::uint32_t) { peer.say(wire::Destroy{}); }},
    {"wrong-answer", [](Peer& peer, std::uint32_t) { peer.say(wire::Described{}); }},
    {"returns-twice",
     [](Peer& peer, std::uint32_t op) {
       peer.give(op);
       peer.give(op);
     }},
    {"other-op",
     [](Peer& peer, std::uint32_t op) {
       wire::Log log;
       log.op = op + 1;
       peer.say(log);
     }},
    {"unasked-fd",
     [](Peer& peer, std::uint32_t) {
       const int fds[] = {0};
       peer.say(wire::Returned{}, fds);
     }},
    {"too-many-fds",
     [](Peer& peer, std::uint32_t) {
       std::array<int, 64> fds{};
       char control[CMSG_SPACE(sizeof fds)] = {};
       std::string bytes = header(0, 0x21, 3);
       iovec part{bytes.data(), bytes.size()};
       msghdr message{};
       message.msg_iov = &part;
       message.msg_iovlen = 1;
       message.msg_control = control;
       message.msg_controllen = sizeof control;
       cmsghdr* rights = CMSG_FIRSTHDR(&message);
       rights->cmsg_level = SOL_SOCKET;
       rights->cmsg_type = SCM_RIGHTS;
       rights->cmsg_len = CMSG_LEN(sizeof fds);
       ::sendmsg(peer.lane.fd(), &message, 0);
     }},
    {"unknown-service",
     [](Peer& peer, std::uint32_t op) {
       wire::ServiceCall call;
       call.service = 4711;
       peer.ask(call, op);
     }},
    {"unknown-sink",
     [](Peer& peer, std::uint32_t) {
       wire::Write write;
       write.sink = 9;
       peer.say(write);
     }},
    {"no-code",
     [](Peer& peer, std::uint32_t op) {
       wire::Returned returned;
       returned.op = op;
       returned.rc = 99;
       peer.say(returned);
     }},
    {"no-fault",
     [](Peer& peer, std::uint32_t op) {
       wire::Returned returned;
       returned.op = op;
       returned.broke = 200;
       peer.say(returned);
     }},
    {"endless-notes",
     [](Peer& peer, std::uint32_t op) {
       wire::Progress progress;
       progress.op = op;
       for (;;) peer.say(progress);
     }},
    {"endless-writes",
     [](Peer& peer, std::uint32_t) {
       const std::string piece(wire::kMaxPiece, 'x');
       wire::Write write;
       write.bytes = piece;
       for (;;) {
         peer.say(write);
         peer.lane.receive(peer.wait);
       }
     }},
    {"deaf",  // asks, and never takes an answer
     [](Peer& peer, std::uint32_t op) {
       wire::ServiceProviders providers;
       providers.op = op;
       providers.interface = "fusebox.store/1";
       for (;;) peer.say(providers);
     }},
    {"many-sides",
     [](Peer& peer, std::uint32_t) {
       for (int i = 0; i < 100; ++i) {
         const UniqueFd end(::dup(peer.lane.fd()));
         const int fds[] = {end.get()};
         peer.control.send(wire::Side{}, peer.wait, fds);
       }
     }},
    {"side-nonsense",
     [](Peer& peer, std::uint32_t) {
       wire::Pair side = wire::make_pair();
       const int fds[] = {side.theirs.get()};
       peer.control.send(wire::Side{}, peer.wait, fds);
       if (::write(side.ours.get(), "nonsense", 8) != 8) std::_Exit(1);
       wait_for_death();
     }},
    {"control-nonsense",
     [](Peer& peer, std::uint32_t) {
       if (::write(peer.control.fd(), "nonsense", 8) != 8) std::_Exit(1);
     }},
    {"closes-cancel", [](Peer&, std::uint32_t) { wait_for_death(); }},
    {"control-eof", [](Peer& peer, std::uint32_t) { ::shutdown(peer.control.fd(), SHUT_RDWR); }},
};

// All that comes before the call, said as it should be; unless that is where the lie is.
void play(const std::string& part) {
  Wait wait;
  wire::Channel control{UniqueFd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3))};
  wire::Frame frame = control.receive(wait);
  Peer peer{std::move(control), wire::Channel(std::move(frame.fds[0])), {}};
  UniqueFd cancel = std::move(frame.fds[1]);
  if (part == "closes-cancel") cancel.reset();

  peer.lane.receive(wait);
  if (part == "silent-load") wait_for_death();
  if (part == "answer-before-question") peer.say(wire::Described{});
  wire::Loaded loaded;
  if (part == "bad-refusal") loaded.rc = -7;
  peer.say(loaded);
  {
    const wire::Frame create = peer.lane.receive(wait);
    peer.give(wire::decode<wire::Create>(create).op, "");
  }
  peer.lane.receive(wait);
  wire::Described described;
  described.present = 1;
  described.size = 0xffffffffU;
  described.slots = 0xffffffffU;
  peer.say(described);
  for (;;) {
    const wire::Frame asked = peer.lane.receive(wait);
    if (asked.type == wire::Type::destroy) return peer.give(0, "");
    kLies.at(part)(peer, wire::decode<wire::Call>(asked).op);
  }
}

}  // namespace

int main(int, char** argv) {
  const std::string name = argv[0];
  try {
    play(name.substr(name.rfind('/') + 1));
  } catch (const std::exception&) {
    return 1;
  }
  wait_for_death();
}
