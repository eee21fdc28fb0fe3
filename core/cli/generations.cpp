// SPDX-License-Identifier: Apache-2.0
#include "cli/generations.hpp"

#include "cli/context.hpp"
#include "cli/default_phases.hpp"
#include "cli/json_fields.hpp"
#include "cli/watch.hpp"
#include "plugin/host.hpp"
#include "report/table.hpp"
#include "util/clock.hpp"

#include <fmt/format.h>
#include <fusebox/store.h>
#include <boost/json.hpp>

namespace fusebox::cli {

namespace json = boost::json;

namespace {

constexpr auto store_limit = std::chrono::minutes(2);

std::string age_text(const json::object& generation) {
  const auto time = util::parse_rfc3339(text_field(generation, "time"));
  if (!time) return "-";
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now() - *time);
  return age.count() < 0 ? "in the future" : util::human_duration(age);
}

bool is_safety(const json::object& generation) {
  const auto* mark = object_field(generation, "manifest").if_contains("safety");
  return mark != nullptr && mark->is_bool() && mark->get_bool();
}

}  // namespace

json::object ask_store(Context& context, StoreFunction call, const json::object& request,
                       std::string_view what) {
  const auto& store = context.host().provider(FBX_IFACE_STORE).name;
  const auto label = fmt::format("{} ({})", store, what);
  const Watch::Guard guard(context.watch(), label, store_limit);
  return (context.host().*call)(store, request, context.call(label, store_limit));
}

json::object list_generations(Context& context) {
  return ask_store(context, &plugin::Host::store_list, {}, "list");
}

json::object find_generation(Context& context, const std::string& name) {
  for (auto& one : objects_field(list_generations(context), "generations")) {
    const bool fits = name == "latest" ? text_field(one, "problem").empty() && !is_safety(one)
                                       : text_field(one, "generation") == name;
    if (fits) return std::move(one);
  }
  throw Error(Errc::not_found, fmt::format("there is no generation \"{}\"", name),
              "`fusebox backup list` shows all; `fusebox backup create` makes one");
}

const json::object& object_field(const json::object& object, std::string_view key) {
  static const json::object empty;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : empty;
}

std::string size_text(const json::object& object, std::string_view key) {
  return util::human_size(static_cast<std::uint64_t>(int_field(object, key)));
}

std::string remark(Context& context, const json::object& generation) {
  const auto problem = text_field(generation, "problem");
  if (!problem.empty()) return context.out().paint(Color::red, problem);
  const auto pin = text_field(generation, "pin");
  const auto note = text_field(object_field(generation, "manifest"), "note");
  return pin.empty() ? note : fmt::format("pinned: {}", pin);
}

std::string generation_table(Context& context, const json::object& listed, Rows rows) {
  const bool is_numbered = rows == Rows::numbered;
  std::vector<std::string> head = {"GENERATION", "AGE", "DATA", "STORED", ""};
  if (is_numbered) head.insert(head.begin(), "");
  report::Table table(head);
  for (std::size_t column = 1; column <= 3; ++column)
    table.align(column + (is_numbered ? 1 : 0), report::Align::right);
  std::size_t number = 0;
  for (const json::object& one : objects_field(listed, "generations")) {
    std::vector<std::string> row = {text_field(one, "generation"), age_text(one),
                                    size_text(object_field(one, "manifest"), "bytes"),
                                    size_text(one, "stored_bytes"), remark(context, one)};
    if (is_numbered) row.insert(row.begin(), fmt::format("{}", ++number));
    table.add(std::move(row));
  }
  return table.empty() ? std::string() : table.str();
}

const plugin::InstanceInfo& generation_maker(Context& context, const std::string& verb) {
  const auto* maker = backup_instance(context.host(), verb);
  if (maker == nullptr)
    throw Error(Errc::not_found,
                fmt::format("no plugin of this stack has a verb `{}` for generations", verb),
                "add one that requires a store to the configuration: see `fusebox plugins list`");
  return *maker;
}

}  // namespace fusebox::cli
