// SPDX-License-Identifier: Apache-2.0
#include "check/made_up.hpp"

#include "check/check.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <cmath>
#include <limits>

namespace fusebox::check {

namespace {

using config::Field;
using config::FieldType;
using config::List;
using config::Table;
using config::Value;

// Values as a user would write them: the configuration's own code makes them canonical.
class Maker {
 public:
  explicit Maker(std::mt19937_64* random) : random_(random) {}

  Table table(const config::Schema& schema) {
    Table made;
    for (const auto& [name, field] : schema) {
      const bool needed = field.required;
      if (needed || (random_ != nullptr && chance(2))) made.set(name, value(field));
    }
    return made;
  }

 private:
  Value value(const Field& field) {
    switch (field.type) {
      case FieldType::string:
        return {field.choices.empty() ? text() : field.choices[below(field.choices.size())], {}};
      case FieldType::template_text:
        return {
            random_ != nullptr && chance(2) ? fmt::format("a${{secret:{}}}z", kSecretName) : text(),
            {}};
      case FieldType::secret: {
        Table handle;
        handle.set("secret", {std::string(kSecretName), {}});
        return {std::move(handle), {}};
      }
      case FieldType::integer:
        return {integer(), {}};
      case FieldType::number:
        return {random_ != nullptr ? std::ldexp(1.0, static_cast<int>(below(120)) - 60) : 1.0, {}};
      case FieldType::boolean:
        return {random_ != nullptr && chance(2), {}};
      case FieldType::port:
        return {static_cast<std::int64_t>(random_ != nullptr ? 1 + below(65535) : 9), {}};
      case FieldType::duration:
        return {random_ != nullptr ? fmt::format("{}ms", 1 + below(5000)) : "1s", {}};
      case FieldType::size:
        return {static_cast<std::int64_t>(random_ != nullptr ? below(1U << 20U) : 1024), {}};
      case FieldType::path:
        return {random_ != nullptr ? fmt::format("made/up-{}", below(100)) : "made-up", {}};
      case FieldType::list:
        return {list(*field.of), {}};
      case FieldType::map:
        return {map(*field.of), {}};
      case FieldType::table:
        return {table(field.fields), {}};
    }
    return {};
  }

  List list(const Field& of) {
    List made;
    for (std::size_t i = random_ != nullptr ? below(4) : 1; i > 0; --i) made.push_back(value(of));
    return made;
  }
  Table map(const Field& of) {
    Table made;
    for (std::size_t i = random_ != nullptr ? below(4) : 1; i > 0; --i)
      made.set(fmt::format("key{}", i), value(of));
    return made;
  }
  std::int64_t integer() {
    if (random_ == nullptr) return 1;
    constexpr std::array<std::int64_t, 6> edges = {0,
                                                   1,
                                                   -1,
                                                   255,
                                                   std::numeric_limits<std::int32_t>::max(),
                                                   std::numeric_limits<std::int64_t>::min()};
    return chance(2) ? edges[below(edges.size())] : static_cast<std::int64_t>(below(100000));
  }
  std::string text() {
    if (random_ == nullptr) return "made-up";
    switch (below(5)) {
      case 0:
        return "";
      case 1:
        return "gr\u00fc\u00df \u65e5\u672c \U0001F511";
      case 2:
        return std::string(1 + below(5000), 'x');
      case 3:
        return "a \"quoted\" \\ back\\slash\tand\nlines";
      default:
        return fmt::format("word{}", below(1000));
    }
  }
  std::size_t below(std::size_t bound) {
    return random_ != nullptr ? std::uniform_int_distribution<std::size_t>(0, bound - 1)(*random_)
                              : 0;
  }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }

  std::mt19937_64* random_;
};

boost::json::object canonical(Table table, const config::Schema& schema) {
  Value value{std::move(table), {}};
  config::set_origin(value, {"made up", 0, 0});
  std::vector<config::Problem> problems;
  auto object = config::canonicalize(value, schema, "made-up settings", problems);
  if (!problems.empty())
    fail(fmt::format("the schema refuses what it allows: {}", problems.front().str()));
  return object;
}

}  // namespace

boost::json::object plainest(const config::Schema& schema) {
  return canonical(Maker(nullptr).table(schema), schema);
}

boost::json::object any(const config::Schema& schema, std::mt19937_64& random) {
  return canonical(Maker(&random).table(schema), schema);
}

}  // namespace fusebox::check
