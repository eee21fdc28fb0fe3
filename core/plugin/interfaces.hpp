// SPDX-License-Identifier: Apache-2.0
// Which interface a table's type belongs to.
#pragma once

#include <fusebox/observer.h>
#include <fusebox/runtime.h>
#include <fusebox/secrets.h>
#include <fusebox/snapshot.h>
#include <fusebox/step.h>
#include <fusebox/store.h>

#include <string_view>

namespace fusebox::plugin {

template <class Table>
constexpr std::string_view kInterface{};
template <>
constexpr std::string_view kInterface<fbx_step_v1> = FBX_IFACE_STEP;
template <>
constexpr std::string_view kInterface<fbx_secrets_v1> = FBX_IFACE_SECRETS;
template <>
constexpr std::string_view kInterface<fbx_runtime_v1> = FBX_IFACE_RUNTIME;
template <>
constexpr std::string_view kInterface<fbx_snapshot_v1> = FBX_IFACE_SNAPSHOT;
template <>
constexpr std::string_view kInterface<fbx_store_v1> = FBX_IFACE_STORE;
template <>
constexpr std::string_view kInterface<fbx_observer_v1> = FBX_IFACE_OBSERVER;

// Of these a stack may have several providers at once; of any other, [use] chooses one.
constexpr bool is_plural(std::string_view interface_id) {
  return interface_id == FBX_IFACE_SNAPSHOT || interface_id == FBX_IFACE_OBSERVER;
}

}  // namespace fusebox::plugin
