// SPDX-License-Identifier: Apache-2.0
// A store as its callers see it: the plugin in the tests' host.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "support/configured_plugin.hpp"
#include "support/fake_host.hpp"
#include "support/search.hpp"
#include "support/temp_dir.hpp"

namespace fusebox::test {

namespace fs = std::filesystem;
namespace json = boost::json;

// Bytes that do not compress, the same ones for the same seed.
inline std::string noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  return text;
}

using Slot = fbx_rc (*fbx_store_v1::*)(fbx_instance*, fbx_op*, fbx_str, fbx_sink);
using FdSlot = fbx_rc (*fbx_store_v1::*)(fbx_instance*, fbx_op*, fbx_str, std::int32_t, fbx_sink);

class Store {
 public:
  explicit Store(const fs::path& folder, json::object more = {}) {
    json::object settings{{"folder", folder.string()}, {"min_free", 0}};
    for (const auto& [key, value] : more) settings[key] = value;
    plugin_ = std::make_unique<ConfiguredPlugin>(host, STORE_LIBRARY, settings);
  }

  Answer ask(Slot slot, const json::object& request = {}) {
    return call([&](const fbx_store_v1& table, fbx_instance* self, fbx_op* op, fbx_sink out) {
      return (table.*slot)(self, op, fbx::to_str(json::serialize(request)), out);
    });
  }
  // What `slot` says, which must go well.
  json::object must(Slot slot, const json::object& request = {}) {
    return parsed(ask(slot, request));
  }
  Answer put(const std::string& generation, const std::string& file, const std::string& bytes,
             bool compress = true) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::thread feeder([&] {
      ::sigset_t pipe_signal;
      ::sigemptyset(&pipe_signal);
      ::sigaddset(&pipe_signal, SIGPIPE);
      ::pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
      std::string_view rest = bytes;
      while (!rest.empty()) {
        const ssize_t put = ::write(ends[1], rest.data(), rest.size());
        if (put <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(put));
      }
      ::close(ends[1]);
    });
    const std::string request = json::serialize(
        json::object{{"generation", generation}, {"file", file}, {"compress", compress}});
    Answer answer = with_fd(&fbx_store_v1::put, request, ends[0]);
    ::close(ends[0]);
    feeder.join();
    return answer;
  }
  Answer get_to(const std::string& generation, const std::string& file, int fd,
                const json::object& more = {}) {
    json::object request{{"generation", generation}, {"file", file}};
    for (const auto& [key, value] : more) request[key] = value;
    return with_fd(&fbx_store_v1::get, json::serialize(request), fd);
  }
  Answer get(const std::string& generation, const std::string& file, std::string& into,
             const json::object& more = {}) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::thread taker([&] {
      char buffer[65536];
      for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        into.append(buffer, static_cast<std::size_t>(got));
    });
    Answer answer = get_to(generation, file, ends[1], more);
    ::close(ends[1]);
    taker.join();
    ::close(ends[0]);
    return answer;
  }

  std::string begin(json::object request = {}) {
    return std::string(must(&fbx_store_v1::begin, request).at("generation").as_string());
  }
  // A whole generation of two files.
  std::string make(const std::string& first = "hello", const std::string& pin = "") {
    const std::string name = begin();
    json::array files;
    files.push_back(parsed(put(name, "data.bin", first)));
    files.push_back(parsed(put(name, "notes.txt", "plain text", false)));
    json::object request{{"generation", name}, {"manifest", {{"files", files}}}};
    if (!pin.empty()) request["pin"] = pin;
    must(&fbx_store_v1::commit, request);
    return name;
  }
  json::array list() { return must(&fbx_store_v1::list).at("generations").as_array(); }
  // The problem of each file that verify() finds, "" for none.
  std::string problems(const std::string& name) {
    std::string text;
    const auto answer = must(&fbx_store_v1::verify, {{"generation", name}});
    for (const auto& file : answer.at("files").as_array())
      if (!file.at("ok").as_bool())
        text += fmt::format("{}: {}\n", std::string_view(file.at("file").as_string()),
                            std::string_view(file.at("problem").as_string()));
    return text;
  }
  static json::object parsed(const Answer& answer) {
    INFO(answer.what);
    REQUIRE(answer.rc == FBX_OK);
    return json::parse(answer.text).as_object();
  }

  FakeHost host;

 private:
  template <class Body>
  Answer call(Body body) {
    auto& loaded = plugin_->loaded();
    const auto& table = loaded.table<fbx_store_v1>(FBX_IFACE_STORE);
    return loaded.call(
        [&](fbx_op* op, fbx_sink out) { return body(table, loaded.instance(), op, out); });
  }
  Answer with_fd(FdSlot slot, const std::string& request, int fd) {
    return call([&](const fbx_store_v1& table, fbx_instance* self, fbx_op* op, fbx_sink out) {
      return (table.*slot)(self, op, fbx::to_str(request), fd, out);
    });
  }
  std::unique_ptr<ConfiguredPlugin> plugin_;
};

// The stack's folder in a store's.
inline fs::path root_of(const fs::path& dir) {
  for (const auto& item : fs::directory_iterator(dir))
    if (item.is_directory()) return item.path();
  return {};
}

}  // namespace fusebox::test
