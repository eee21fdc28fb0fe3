// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include "util/error.hpp"
#include "util/terminal.hpp"

#include <boost/json.hpp>

#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace fusebox::cli {

namespace {

std::string colored(Color color, std::string_view text) {
  constexpr std::array<std::string_view, 9> codes = {"0",  "1",  "2",  "31", "32",
                                                     "33", "34", "35", "36"};
  if (color == Color::plain) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", codes.at(static_cast<std::size_t>(color)), text);
}

}  // namespace

Output::Output(OutputOptions options)
    : options_(options),
      color_out_(options.color && !options.json && util::wants_colour(STDOUT_FILENO)),
      color_err_(options.color && util::wants_colour(STDERR_FILENO)) {}

void Output::write(std::string_view text) {
  if (closed_) return;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) closed_ = true;
}

void Output::json(const boost::json::value& value) { write(boost::json::serialize(value) + "\n"); }

void Output::flush() {
  if (!closed_ && std::fflush(stdout) != 0) closed_ = true;
}

void Output::note(std::string_view text) {
  if (options_.quiet) return;
  flush();
  fmt::print(stderr, "{}\n", text);
}

void Output::warn(std::string_view text) {
  flush();
  fmt::print(stderr, "{} {}\n", paint_error(Color::yellow, "warning:"), text);
}

void Output::error(const Error& error, int exit_code) {
  if (options_.json) {
    boost::json::object object{{"type", "error"},
                               {"code", to_string(error.code())},
                               {"what", error.what()},
                               {"hint", error.hint()},
                               {"exit_code", exit_code}};
    json(object);
    flush();
    return;
  }
  flush();
  const auto label = paint_error(Color::red, "error:");
  fmt::print(stderr, "{} {}\n", label, error.what());
  if (!error.hint().empty()) fmt::print(stderr, "  hint: {}\n", error.hint());
}

std::string Output::paint(Color color, std::string_view text) const {
  return color_out_ ? colored(color, text) : std::string(text);
}

std::string Output::paint_error(Color color, std::string_view text) const {
  return color_err_ ? colored(color, text) : std::string(text);
}

}  // namespace fusebox::cli
