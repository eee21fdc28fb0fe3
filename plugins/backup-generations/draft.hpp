// SPDX-License-Identifier: Apache-2.0
// A generation while it is made.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <fusebox/plugin.hpp>
#include <string>
#include <string_view>

namespace fbx::backup {

// A begun generation, which is gone again unless commit() was reached.
class Draft {
 public:
  // `bytes` and `stored`: how large it will be, before and after compression; 0: unknown.
  Draft(const Op& op, std::int64_t bytes, std::int64_t stored);
  ~Draft();
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const std::string& name() const { return name_; }
  const boost::json::array& files() const { return files_; }

  // Takes a file from `fd`, and gives the store's answer. It belongs to the generation once keep()
  // has that answer: a stream that was cut off ends like a whole one.
  std::string put(const std::string& file, bool compress, int fd);
  // The same of what `write` writes to a descriptor; throws when either side fails.
  boost::json::object put(const std::string& file, bool compress,
                          const std::function<std::string(int fd)>& write);
  void keep(const boost::json::object& stored) { files_.push_back(stored); }
  // A small text that a person should be able to read.
  void attach(const Op& op, const std::string& file, std::string_view text);

  // Completes `manifest` by the files and their sizes. Returns where the generation is.
  std::string commit(boost::json::object manifest, const std::string& pin);

 private:
  StoreClient store_;
  std::string name_;
  boost::json::array files_;
};

// Sizes of the files of a manifest.
struct Sum {
  std::int64_t bytes = 0;
  std::int64_t stored = 0;
};
Sum sum_of(const boost::json::array& files);

// `error`, and what was being done.
Error about(std::string_view doing, const Error& error);

}  // namespace fbx::backup
