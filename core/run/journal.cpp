// SPDX-License-Identifier: Apache-2.0
#include "run/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <random>
#include <utility>

#include "run/json_read.hpp"
#include "util/clock.hpp"
#include "util/error.hpp"
#include "util/fs.hpp"

namespace fusebox::run {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_journal_bytes = std::size_t{64} << 20;

constexpr std::array structural{
    std::string_view("step"),    std::string_view("run"),        std::string_view("phase"),
    std::string_view("stack"),   std::string_view("version"),    std::string_view("groups"),
    std::string_view("secrets"), std::string_view("on_failure"), std::string_view("outcome"),
    std::string_view("mode"),    std::string_view("steps")};

class FileSink : public JournalSink {
 public:
  explicit FileSink(const fs::path& file) : file_(file, 0600) {}
  void append(std::string_view line) override { file_.append(line); }

 private:
  util::AppendFile file_;
};

Record record_from(std::string_view line) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
  if (error) throw Error(Errc::io, fmt::format("not JSON: {}", error.message()));
  if (!value.is_object()) throw Error(Errc::io, "not a JSON object");
  Record record;
  record.data = value.get_object();
  const std::string type = string_field(record.data, "type");
  const auto known = parse_record_type(type);
  if (!known)
    throw Error(Errc::io, fmt::format("record type \"{}\" is unknown", type),
                "a newer fusebox may have written it: use that one");
  const auto time = util::parse_rfc3339(string_field(record.data, "time"));
  if (!time) throw Error(Errc::io, "field \"time\" is not a time");
  record.type = *known;
  record.time = *time;
  record.data.erase("type");
  record.data.erase("time");
  return record;
}

}  // namespace

json::value redacted(const json::value& value, const Redact& redact) {
  switch (value.kind()) {
    case json::kind::string: {
      const auto& text = value.get_string();
      return json::value(redact(std::string_view(text.data(), text.size())));
    }
    case json::kind::array: {
      json::array copy;
      for (const json::value& item : value.get_array()) copy.push_back(redacted(item, redact));
      return copy;
    }
    case json::kind::object: {
      json::object copy;
      for (const auto& [key, item] : value.get_object())
        copy[redact(std::string_view(key.data(), key.size()))] = redacted(item, redact);
      return copy;
    }
    default:
      return value;
  }
}

json::object redacted_fields(const json::object& data, const Redact& redact) {
  if (!redact) return data;
  json::object copy;
  for (const auto& [key, value] : data) {
    const bool is_name = std::find(structural.begin(), structural.end(),
                                   std::string_view(key.data(), key.size())) != structural.end();
    copy[key] = is_name ? value : redacted(value, redact);
  }
  return copy;
}

std::unique_ptr<JournalSink> create_journal_file(const fs::path& file) {
  util::make_private_dirs(file.parent_path());
  if (fs::exists(file))
    throw Error(Errc::conflict, fmt::format("the journal {} is there already", file.native()),
                "run it again: the next run gets another name");
  return std::make_unique<FileSink>(file);
}

std::unique_ptr<JournalSink> reopen_journal_file(const fs::path& file, std::uint64_t valid_bytes) {
  std::error_code error;
  fs::resize_file(file, valid_bytes, error);
  if (error)
    throw Error(Errc::io, fmt::format("cannot cut the torn last line off the journal {}: {}",
                                      file.native(), error.message()));
  return std::make_unique<FileSink>(file);
}

Journal::Journal(std::unique_ptr<JournalSink> sink, Redact redact)
    : sink_(std::move(sink)), redact_(std::move(redact)) {}

void Journal::append(const Record& record) {
  json::object line{{"type", to_string(record.type)}, {"time", util::rfc3339(record.time)}};
  for (auto& [key, value] : redacted_fields(record.data, redact_)) line[key] = std::move(value);
  const std::string text = json::serialize(line) + "\n";
  const std::lock_guard lock(mutex_);
  sink_->append(text);
}

JournalText parse_journal(std::string_view text, const std::string& file) {
  JournalText journal;
  std::size_t number = 0;
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos;
       end = text.find('\n', start)) {
    ++number;
    try {
      Record record = record_from(text.substr(start, end - start));
      apply(journal.state, record);
      journal.records.push_back(std::move(record));
    } catch (const Error& error) {
      throw Error(Errc::io, fmt::format("{}:{}: {}", file, number, error.what()),
                  error.hint().empty()
                      ? "the journal is damaged; once the stack is as it should be, move it away"
                      : error.hint());
    }
    start = end + 1;
  }
  journal.valid_bytes = start;
  journal.torn = start < text.size();
  return journal;
}

JournalText read_journal(const fs::path& file) {
  return parse_journal(util::read_file(file, max_journal_bytes), file.native());
}

std::string new_run_id(std::chrono::system_clock::time_point now) {
  std::string stamp = util::rfc3339(now);
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  std::random_device random;
  return fmt::format("{}-{:08x}", stamp, random());
}

fs::path journal_file(const fs::path& state_dir, std::string_view id) {
  return state_dir / "runs" / (std::string(id) + ".jsonl");
}

}  // namespace fusebox::run
