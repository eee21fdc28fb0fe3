// SPDX-License-Identifier: Apache-2.0
#include "draft.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "common/io.hpp"
#include "common/json.hpp"
#include "common/transfer.hpp"

namespace fbx::backup {

namespace json = boost::json;

Draft::Draft(const Op& op, std::int64_t bytes, std::int64_t stored) : store_(op.store()) {
  const auto answer = common::parse_object(
      store_.begin(json::serialize(json::object{{"bytes", bytes}, {"stored", stored}})),
      "the store's answer");
  name_ = common::need_text(answer, "generation");
}

Draft::~Draft() {
  if (name_.empty()) return;
  try {
    store_.abort(json::serialize(json::object{{"generation", name_}}));
  } catch (const std::exception&) {
    return;  // the next begin() sweeps it
  }
}

std::string Draft::put(const std::string& file, bool compress, int fd) {
  return store_.put(
      json::serialize(json::object{{"generation", name_}, {"file", file}, {"compress", compress}}),
      fd);
}

json::object Draft::put(const std::string& file, bool compress,
                        const std::function<std::string(int fd)>& write) {
  const common::Transfer done =
      common::transfer(write, [&](int fd) { return put(file, compress, fd); });
  // When both failed, the writer only says that its reader is gone.
  if (done.reader.error) throw about("storing " + file, *done.reader.error);
  if (done.writer.error) throw about("reading " + file, *done.writer.error);
  return common::parse_object(done.reader.answer, "the store's answer");
}

void Draft::attach(const Op& op, const std::string& file, std::string_view text) {
  keep(put(file, false, [&](int fd) {
    common::Stream(op, fd, "writing " + file).write(text);
    return std::string();
  }));
}

std::string Draft::commit(json::object manifest, const std::string& pin) {
  const Sum sum = sum_of(files_);
  manifest["bytes"] = sum.bytes;
  manifest["stored_bytes"] = sum.stored;
  manifest["files"] = files_;
  json::object request{{"generation", name_}, {"manifest", std::move(manifest)}};
  if (!pin.empty()) request["pin"] = pin;
  const auto answer =
      common::parse_object(store_.commit(json::serialize(request)), "the store's answer");
  name_.clear();
  return common::text_at(answer, "where").value_or("");
}

Sum sum_of(const json::array& files) {
  Sum sum;
  for (const json::value& file : files) {
    sum.bytes += common::need_integer(file.as_object(), "bytes");
    sum.stored += common::need_integer(file.as_object(), "stored_bytes");
  }
  return sum;
}

Error about(std::string_view doing, const Error& error) {
  return {error.rc(), fmt::format("{}: {}", doing, error.what()), error.hint()};
}

}  // namespace fbx::backup
