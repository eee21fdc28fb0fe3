// SPDX-License-Identifier: Apache-2.0
// With which Compose files each service was last brought up, so that undo can use those and not the
// edited ones: <state_dir>/applied/<key>/<n>.yml and <state_dir>/applied/services.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::compose {

struct Settings;

class Applied {
 public:
  explicit Applied(const Settings& settings);

  // The key of the files that the service was last brought up with; empty when that is not known.
  std::string of(std::string_view service) const;
  // Keeps today's files, and notes that `services` run by them.
  void note(const std::vector<std::string>& services);
  // Notes that a service runs by files kept earlier; an empty key forgets it.
  void note(std::string_view service, const std::string& key);

  // The kept files of `key`; empty when they are today's, or gone: then the settings' own do.
  std::vector<std::filesystem::path> files(const std::string& key) const;

 private:
  void save() const;

  const Settings& settings_;
  std::map<std::string, std::string> keys_;  // by service
};

}  // namespace fbx::compose
