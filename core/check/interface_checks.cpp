// SPDX-License-Identifier: Apache-2.0
// The tables: that each is there and whole, and that get_interface() reads what it is asked.
#include "check/scene.hpp"

#include <fmt/format.h>
#include <fusebox/observer.h>
#include <fusebox/runtime.h>
#include <fusebox/secrets.h>
#include <fusebox/snapshot.h>
#include <fusebox/store.h>

#include <array>
#include <atomic>
#include <cstring>

namespace fusebox::check {

namespace {

struct Known {
  std::string_view id;
  std::size_t size;
  bool last_may_be_null;  // undo
};

constexpr std::array kKnown = {
    Known{FBX_IFACE_STEP, sizeof(fbx_step_v1), true},
    Known{FBX_IFACE_SECRETS, sizeof(fbx_secrets_v1), false},
    Known{FBX_IFACE_RUNTIME, sizeof(fbx_runtime_v1), false},
    Known{FBX_IFACE_SNAPSHOT, sizeof(fbx_snapshot_v1), false},
    Known{FBX_IFACE_STORE, sizeof(fbx_store_v1), false},
    Known{FBX_IFACE_OBSERVER, sizeof(fbx_observer_v1), false},
};

struct Head {
  std::uint32_t size;
  std::uint32_t reserved;
};

Head head_of(const void* table) {
  Head head{};
  std::memcpy(&head, table, sizeof head);
  return head;
}

std::vector<std::string> declared(Scene& scene) {
  auto ids = scene.manifest().provides;
  const auto& offers = scene.manifest().offers;
  ids.insert(ids.end(), offers.begin(), offers.end());
  return ids;
}

template <class Look>
void for_each_table(Scene& scene, const Instance& instance, Look look) {
  for (const auto& known : kKnown) {
    if (!scene.provides(known.id)) continue;
    if (const void* table = instance.find(known.id)) look(known, table);
  }
}

void tables(Scene& scene) {
  const Instance instance = scene.make();
  for (const auto& id : declared(scene))
    if (instance.find(id) == nullptr)
      fail(fmt::format("the manifest provides {}, but there is no table for it", id));
}

void sizes(Scene& scene) {
  const Instance instance = scene.make();
  for_each_table(scene, instance, [](const Known& known, const void* table) {
    const auto head = head_of(table);
    if (head.size < known.size)
      fail(fmt::format("the table of {} says {} bytes, at least {} are needed", known.id, head.size,
                       known.size));
    if (head.size > 4096)
      fail(fmt::format("the table of {} says {} bytes, which cannot be", known.id, head.size));
  });
}

void reserved(Scene& scene) {
  const Instance instance = scene.make();
  for_each_table(scene, instance, [](const Known& known, const void* table) {
    if (head_of(table).reserved != 0)
      fail(fmt::format("the reserved field in the table of {} is not 0", known.id));
  });
}

void functions(Scene& scene) {
  const Instance instance = scene.make();
  for_each_table(scene, instance, [](const Known& known, const void* table) {
    if (head_of(table).size < known.size) skip("needs whole tables, see interface.sizes");
    const std::size_t count = (known.size - sizeof(Head)) / sizeof(void*);
    for (std::size_t i = 0; i < count; ++i) {
      void* function = nullptr;
      std::memcpy(&function, static_cast<const char*>(table) + sizeof(Head) + i * sizeof(void*),
                  sizeof function);
      if (function == nullptr && !(known.last_may_be_null && i + 1 == count))
        fail(fmt::format("function {} in the table of {} is NULL", i + 1, known.id));
    }
  });
}

void undo_slot(Scene& scene) {
  const Instance instance = scene.make();
  const auto& table = scene.table<fbx_step_v1>(instance, FBX_IFACE_STEP);
  for (const auto& [name, verb] : scene.manifest().verbs)
    if (verb.undo && table.undo == nullptr)
      fail(fmt::format("the manifest says that {} can be undone, but undo is NULL", name));
}

void unknown(Scene& scene) {
  const Instance instance = scene.make();
  for (const std::string_view id : {"fusebox.nothing/1", "", "fusebox.step/999", "x"})
    if (instance.find(id) != nullptr)
      fail(fmt::format("it has a table for \"{}\", which nobody knows", id));
  const fbx_str null{nullptr, 0};
  if (scene.plugin().get_interface(instance.self(), null) != nullptr)
    fail("it has a table for an empty id");
}

void whole_id(Scene& scene) {
  const Instance instance = scene.make();
  for (const auto& id : declared(scene)) {
    if (instance.find(id) == nullptr) skip("needs its tables, see interface.tables");
    // The id's bytes alone count: it is not terminated.
    const std::string more = id + "0/and more";
    if (instance.find(std::string_view(more).substr(0, id.size())) == nullptr)
      fail(fmt::format("it does not know {} when the text is not terminated after it", id));
    if (instance.find(std::string_view(more).substr(0, id.size() + 1)) != nullptr)
      fail(fmt::format("it takes {}0 for {}", id, id));
    if (instance.find(std::string_view(id).substr(0, id.size() - 1)) != nullptr)
      fail(fmt::format("it takes {} for {}", id.substr(0, id.size() - 1), id));
  }
}

void undeclared(Scene& scene) {
  const Instance instance = scene.make();
  for (const auto& known : kKnown)
    if (!scene.provides(known.id) && instance.find(known.id) != nullptr)
      warn(fmt::format(
          "it has a table for {}, which its manifest does not provide: nobody will use it",
          known.id));
}

void same(Scene& scene) {
  const Instance one = scene.make("one");
  const Instance two = scene.make("two");
  for (const auto& id : declared(scene)) {
    const void* table = one.find(id);
    if (one.find(id) != table) fail(fmt::format("the table of {} is another at each call", id));
    if (two.find(id) != table)
      warn(fmt::format("two instances have two tables for {}: they should be static data", id));
  }
}

void from_threads(Scene& scene) {
  const Instance instance = scene.make();
  const auto ids = declared(scene);
  std::atomic<int> missing{0};
  std::vector<std::thread> running;
  for (int i = 0; i < 4; ++i)
    running.emplace_back([&] {
      for (int round = 0; round < 200; ++round)
        for (const auto& id : ids) missing += instance.find(id) == nullptr ? 1 : 0;
    });
  for (auto& thread : running) thread.join();
  if (missing != 0) fail("get_interface(), called by several threads at once, gave NULL");
}

constexpr std::array kChecks = {
    Check{"interface.tables", 1, "each interface that the manifest provides has a table", tables},
    Check{"interface.sizes", 1, "each table says how large it is", sizes},
    Check{"interface.functions", 1, "no function of a table is missing", functions},
    Check{"interface.undo", 1, "what the manifest says can be undone has an undo", undo_slot},
    Check{"interface.reserved", 2, "reserved fields are 0", reserved},
    Check{"interface.unknown", 1, "an unknown interface has no table", unknown},
    Check{"interface.whole-id", 2, "ids are compared whole, by length", whole_id},
    Check{"interface.undeclared", 5, "it has no tables that its manifest hides", undeclared},
    Check{"interface.same", 4, "a table is the same at each call", same},
    Check{"interface.threads", 3, "get_interface() may be called by any thread", from_threads},
};

}  // namespace

std::span<const Check> interface_checks() { return kChecks; }

}  // namespace fusebox::check
