// SPDX-License-Identifier: Apache-2.0
#include "generation.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "common/digest.hpp"

namespace fbx::backup {

namespace json = boost::json;

namespace {

json::object object_or_empty(const json::object& object, std::string_view key) {
  const auto* found = common::object_at(object, key);
  return found == nullptr ? json::object{} : *found;
}

Generation generation_of(const json::object& listed) {
  return {common::need_text(listed, "generation"), common::text_at(listed, "time").value_or(""),
          common::text_at(listed, "problem").value_or(""), object_or_empty(listed, "manifest")};
}

bool is_safety(const json::object& manifest) {
  return common::boolean_at(manifest, "safety").value_or(false);
}

}  // namespace

json::object Stored::request() const {
  return {{"source", name}, {"counts", counts}, {"facts", facts}};
}

std::vector<Stored> Generation::sources() const {
  std::vector<Stored> found;
  if (const auto* list = common::array_at(manifest, "sources"))
    for (const json::value& item : *list) {
      const json::object& source = item.as_object();
      found.push_back(
          {common::need_text(source, "name"), common::need_text(source, "instance"),
           common::text_at(source, "service").value_or(""), common::need_text(source, "file"),
           common::integer_at(source, "bytes").value_or(0), object_or_empty(source, "counts"),
           object_or_empty(source, "facts"), object_or_empty(source, "digests")});
    }
  return found;
}

Generation find_generation(const Op& op, const std::string& name) {
  const auto answer = common::parse_object(op.store().list(), "the store's list");
  if (const auto* list = common::array_at(answer, "generations"))
    for (const json::value& item : *list) {
      Generation one = generation_of(item.as_object());
      const bool fits =
          name == "latest" ? one.problem.empty() && !is_safety(one.manifest) : one.name == name;
      if (fits) return one;
    }
  throw Error(FBX_NOT_FOUND,
              name == "latest" ? std::string("there is no generation to use yet")
                               : fmt::format("there is no generation \"{}\"", name),
              "`fusebox backup list` shows all; `fusebox backup create` makes one");
}

common::Transfer fetch(const Op& op, const std::string& generation, const Stored& source,
                       const std::function<std::string(int fd)>& read) {
  const StoreClient store = op.store();
  const std::string request =
      json::serialize(json::object{{"generation", generation}, {"file", source.file}});
  return common::transfer([&](int fd) { return store.get(request, fd); }, read);
}

std::string fingerprint(std::string_view key, const std::string& generation) {
  return fmt::format("hmac-sha256:{}",
                     common::hmac_sha256(key, "fusebox fingerprint 1 " + generation));
}

json::object fingerprints(const Op& op, const json::object& config, const std::string& generation) {
  json::object keys;
  const auto* wanted = common::object_at(config, "fingerprints");
  if (wanted == nullptr) return keys;
  for (const auto& [name, handle] : *wanted)
    if (const auto secret = common::secret_at(*wanted, name))
      keys[name] = fingerprint(op.secret(*secret).view(), generation);
  return keys;
}

}  // namespace fbx::backup
