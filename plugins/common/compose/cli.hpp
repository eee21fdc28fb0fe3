// SPDX-License-Identifier: Apache-2.0
// The docker compose command, run as a child of one op.
#pragma once

#include <functional>
#include <fusebox/plugin.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/compose/output.hpp"
#include "common/compose/settings.hpp"
#include "common/docker/address.hpp"

namespace fbx::compose {

struct LoadedModel;

// The oldest Compose that does what is needed here.
inline constexpr ComposeVersion oldest_compose{2, 20};

struct Program {
  std::vector<std::string> command;  // {"docker","compose"}, {"docker-compose"}
  std::string version;               // "2.40.3"
};

// Which values the child's environment holds: the real ones, or a word in place of each secret,
// with which Compose can read its files but no secret leaves its provider. Each secret's word is
// its own and occurs nowhere else.
enum class Values { secrets, placeholders };

// Called for each line that Compose writes, as it comes.
using OnLine = std::function<void(std::string_view line)>;

// What one process has found out, so that the next step need not ask again. Thread-safe.
class Memo {
 public:
  std::optional<Program> program() const;
  void keep(const Program& program);

  // What Compose made of its files, as long as `stamp` is the same.
  std::shared_ptr<const LoadedModel> model(const std::string& stamp) const;
  void keep(const std::string& stamp, std::shared_ptr<const LoadedModel> model);

 private:
  mutable std::mutex mutex_;
  std::optional<Program> program_;
  std::string stamp_;
  std::shared_ptr<const LoadedModel> model_;
};

// One op's Compose. A secret goes from the host into the child's environment alone: it is in no
// argument, in no file and never in this process's own text.
class Cli {
 public:
  // Finds nothing yet. All references outlive it.
  Cli(const Op& op, const Settings& settings, docker::ChildEnvironment engine,
      Memo* memo = nullptr);

  // docker's Compose plugin, or the program docker-compose. Asks once. Throws Error{FBX_NOT_FOUND}
  // when there is neither, Error{FBX_UNSUPPORTED} when both are too old.
  const Program& program();

  // The whole stdout of a command that must succeed; throws what explain_failure() says. `quiet`
  // messages on stderr become lines of `said`.
  std::string ask(const std::vector<std::string>& arguments, Values values,
                  std::vector<std::string>* said = nullptr,
                  const std::vector<fs::path>& more_files = {});

  // What Compose makes of the files, as JSON and without any secret: where a value has one, it has
  // the word. Of a scratch, what as_scratch() makes of it. `more_files` come after the settings'
  // own.
  struct Config {
    json::object files;
    std::vector<std::string> said;
    std::vector<std::string> notes;  // of as_scratch()
  };
  Config config(const std::vector<fs::path>& more_files = {});

  // Runs a command that changes something: progress becomes the op's progress, messages go to the
  // op's log. Throws what explain_failure() says, or a timeout that names what was under way.
  void effect(const std::vector<std::string>& arguments, Values values,
              const std::vector<fs::path>& more_files = {});

  // The words before a command: --project-name, --file, --env-file, ...
  std::vector<std::string> global_arguments(const std::vector<fs::path>& files) const;

  const Op& op() const { return op_; }
  const Settings& settings() const { return settings_; }
  Memo* memo() const { return memo_; }

 private:
  struct Ended {
    int exit_code = 0;
    std::string err;
  };
  template <class Target>
  Ended run(const std::vector<std::string>& command, Values values, Target& out, bool merge,
            std::string_view stdin_bytes);
  std::string version_of(const std::vector<std::string>& command);
  std::vector<fs::path> files(const std::vector<fs::path>& more) const;
  std::string scratch_files(const std::vector<fs::path>& more_files);
  json::object environment(Values values) const;
  json::array unset() const;

  const Op& op_;
  const Settings& settings_;
  docker::ChildEnvironment engine_;
  Memo* memo_;
  Program program_;
};

}  // namespace fbx::compose
