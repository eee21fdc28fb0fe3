// SPDX-License-Identifier: Apache-2.0
// All that the CLI itself prints. What a run prints goes through core/report.
#pragma once

#include <fmt/format.h>
#include <boost/json/fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace fusebox {
class Error;
}

namespace fusebox::cli {

enum class Color { plain, bold, dim, red, green, yellow, blue, magenta, cyan };

struct OutputOptions {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool color = true;  // where the stream is a terminal and NO_COLOR is not set
};

// Writes answers to stdout and everything else to stderr. A reader that goes away (`| head`) is no
// error: what follows is dropped, and closed() turns true.
class Output {
 public:
  explicit Output(OutputOptions options);

  bool is_json() const { return options_.json; }
  bool is_quiet() const { return options_.quiet; }
  bool is_verbose() const { return options_.verbose; }
  bool closed() const { return closed_; }

  template <class... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) {
    write(fmt::format(format, std::forward<Args>(args)...));
  }
  void write(std::string_view text);
  // One line of JSON.
  void json(const boost::json::value& value);

  // To stderr; a note is left out when quiet.
  void note(std::string_view text);
  void warn(std::string_view text);
  // "error: <what>" and "  hint: <hint>"; with --json an object on stdout.
  void error(const Error& error, int exit_code);

  // `text` in a colour where stdout shows colours.
  std::string paint(Color color, std::string_view text) const;

  // Hands what was printed to the system.
  void flush();

 private:
  std::string paint_error(Color color, std::string_view text) const;

  OutputOptions options_;
  bool color_out_ = false;
  bool color_err_ = false;
  bool closed_ = false;
};

}  // namespace fusebox::cli
