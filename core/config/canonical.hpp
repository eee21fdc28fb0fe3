// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/schema.hpp"

#include <boost/json/fwd.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::config {

// Checks values against fields and turns them into canonical JSON. Borrows `problems`.
class Canonicalizer {
 public:
  // `where` names the table in texts, `base` is its place: relative paths of values that stand in
  // no file start there, see resolve_path().
  Canonicalizer(std::string_view where, Origin base, std::vector<Problem>& problems)
      : where_(where), base_(std::move(base)), problems_(problems) {}

  // `path` is the dotted name within the table: "", "tls", "services.web.ports[2]".
  boost::json::object table(const Table& table, const Origin& origin, const Schema& schema,
                            const std::string& path);
  boost::json::value value(const Value& value, const Field& field, const std::string& path);

 private:
  boost::json::value scalar(const Value& value, const Field& field, const std::string& path);
  boost::json::value text(const Value& value, const Field& field, const std::string& path);
  boost::json::value integer(const Value& value, const Field& field, const std::string& path);
  boost::json::value number(const Value& value, const std::string& path);
  boost::json::value duration(const Value& value, const std::string& path);
  boost::json::value size(const Value& value, const std::string& path);
  boost::json::value secret(const Value& value, const std::string& path);
  boost::json::value template_text(const Value& value, const std::string& path);
  boost::json::value list(const Value& value, const Field& field, const std::string& path);
  boost::json::value map(const Value& value, const Field& field, const std::string& path);
  void wrong(const Value& value, const std::string& path, std::string_view wanted,
             std::string hint = {});
  void complain(const Value& value, const std::string& path, std::string_view what,
                std::string hint = {});

  std::string where_;
  Origin base_;
  std::vector<Problem>& problems_;
};

// Calls `each` with the name in every ${secret:NAME} of `text`. False when one is malformed.
bool for_each_reference(std::string_view text, const std::function<void(std::string_view)>& each);

}  // namespace fusebox::config
