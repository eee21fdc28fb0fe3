// SPDX-License-Identifier: Apache-2.0
// Reads a table key by key, and complains about what is missing, of a wrong type, or unknown.
#pragma once

#include "config/schema.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::config {

// "in [plugins.web]", or "at the top level" for an empty name.
std::string in_where(std::string_view where);

// "a string", "an integer", ...
std::string with_article(std::string_view noun);

// `unknown key "tls.prot" in [x]`, with the one of `known` that is nearest to `key`, its last part,
// or all of them when they are few.
Problem unknown_key(const Origin& origin, std::string_view path, std::string_view key,
                    std::string_view where, const std::vector<std::string>& known);

// `"port" in [x] must be an integer, not a string`
Problem wrong_type(const Value& value, std::string_view key, std::string_view where,
                   std::string_view wanted, std::string hint = {});

// `did you mean "port"?`, or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// Borrows all that it is given. Each getter answers nothing when the key is absent or wrong; what
// is wrong is among the problems then.
class TableReader {
 public:
  TableReader(const Table& table, const Origin& origin, std::string where,
              std::vector<Problem>& problems);

  // The value, of any type.
  const Value* any(std::string_view key);
  const std::string* text(std::string_view key);
  const bool* boolean(std::string_view key);
  const std::int64_t* integer(std::string_view key);
  const List* list(std::string_view key);
  const Table* table(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  // A string of which `good` says that it is well formed; `form` tells how it should be.
  const std::string* text(std::string_view key, bool (*good)(std::string_view),
                          std::string_view form);
  // A string that must be there and not be empty; `example` is a line of TOML.
  const std::string* required_text(std::string_view key, std::string_view example);
  // A duration, as milliseconds.
  std::optional<std::int64_t> duration(std::string_view key);

  // To be called last: reports the keys that nobody asked for.
  void finish();

  void problem(const Origin& origin, std::string what, std::string hint = {});
  const Origin& origin() const { return origin_; }
  const std::string& where() const { return where_; }
  std::vector<Problem>& problems() { return problems_; }

 private:
  template <class T>
  const T* typed(std::string_view key, std::string_view wanted);

  const Table& table_;
  const Origin& origin_;
  std::string where_;
  std::vector<Problem>& problems_;
  std::vector<std::string> known_;
};

}  // namespace fusebox::config
