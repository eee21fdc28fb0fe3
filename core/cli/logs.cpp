// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/json_fields.hpp"
#include "cli/secret_access.hpp"
#include "cli/watch.hpp"
#include "plugin/host.hpp"
#include "run/exit_code.hpp"
#include "secrets/redactor.hpp"
#include "util/error.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace fusebox::cli {

namespace {

namespace json = boost::json;

std::int64_t parse_tail(const Arguments& args) {
  const auto text = args.value("tail");
  const bool narrowed = args.has("since") || args.has("errors");
  if (!text) return narrowed ? -1 : 100;
  if (*text == "all") return -1;
  std::int64_t lines = 0;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, lines);
  if (parsed.ec != std::errc() || parsed.ptr != end || lines < 0) {
    throw Error(Errc::argument, fmt::format("--tail {} is no number of lines", *text),
                "write --tail 50, or --tail all");
  }
  return lines;
}

json::object request_for(const Arguments& args) {
  json::object request{{"services", json::value_from(args.positionals)},
                       {"follow", args.has("follow")},
                       {"tail", parse_tail(args)}};
  if (const auto since = args.value("since")) request["since"] = *since;
  return request;
}

// Words that servers, libraries and runtimes use for what went wrong.
bool reports_error(std::string_view line) {
  constexpr std::array<std::string_view, 8> words = {
      "error", "fatal", "panic", "exception", "critical", "emerg", "traceback", "out of memory"};
  std::string lower(line);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

class LogPrinter {
 public:
  explicit LogPrinter(Context& context)
      : context_(context),
        follow_(context.args().has("follow")),
        errors_(context.args().has("errors")),
        times_(context.args().has("timestamps")) {}

  void print(std::string_view text) {
    boost::system::error_code failed;
    auto parsed = json::parse(text, failed);
    if (failed || !parsed.is_object()) return;
    auto& entry = parsed.get_object();
    const auto* raw = entry.if_contains("line");
    if (raw == nullptr || !raw->is_string()) return;
    const std::string line = context_.redactor().redact(raw->get_string());
    if (errors_ && !reports_error(line)) return;
    Output& out = context_.out();
    if (out.is_json()) {
      entry["line"] = line;
      out.json(entry);
    } else {
      out.write(decorated(entry, line));
    }
    if (follow_) out.flush();
    if (out.closed()) context_.watch().token().cancel();
  }

 private:
  std::string decorated(const json::object& entry, std::string_view line) {
    Output& out = context_.out();
    const auto service = text_field(entry, "service");
    widest_ = std::max(widest_, util::display_width(service));
    const auto name = out.paint(color_of(service), util::pad_right(service, widest_));
    const auto time = times_ ? out.paint(Color::dim, text_field(entry, "time")) + " " : "";
    return fmt::format("{} | {}{}\n", name, time, util::sanitize_line(line));
  }

  Color color_of(const std::string& service) {
    constexpr std::array palette = {Color::cyan, Color::magenta, Color::green, Color::yellow,
                                    Color::blue};
    const auto next = colors_.size() % palette.size();
    return colors_.try_emplace(service, palette.at(next)).first->second;
  }

  Context& context_;
  bool follow_;
  bool errors_;
  bool times_;
  std::size_t widest_ = 0;
  std::map<std::string, Color> colors_;
};

}  // namespace

int show_logs(Context& context) {
  const auto request = request_for(context.args());
  const auto& runtime = context.runtime();
  load_secrets_for_redaction(context);
  LogPrinter printer(context);
  const bool follow = context.args().has("follow");
  const auto limit =
      follow ? std::nullopt : std::optional<std::chrono::milliseconds>(std::chrono::minutes(5));
  context.host().logs(
      runtime.name, request, [&](std::string_view line) { printer.print(line); },
      context.call(fmt::format("{} (logs)", runtime.name), limit));
  // Ctrl-C is how following ends: that is no failure.
  return run::to_int(run::ExitCode::ok);
}

}  // namespace fusebox::cli
