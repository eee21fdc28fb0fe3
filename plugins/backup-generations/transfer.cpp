// SPDX-License-Identifier: Apache-2.0
#include "transfer.hpp"

#include <boost/json/serialize.hpp>
#include <thread>

#include "common/beside.hpp"
#include "common/io.hpp"

namespace fbx::backup {

namespace {

Side run(const std::function<std::string(int)>& body, int fd) noexcept {
  try {
    return {body(fd), std::nullopt};
  } catch (const Reported& reported) {
    return {{}, common::error_of(reported)};
  } catch (const Error& error) {
    return {{}, error};
  } catch (const std::exception& error) {
    return {{}, Error(FBX_INTERNAL, error.what())};
  }
}

}  // namespace

Transfer transfer(const std::function<std::string(int fd)>& write,
                  const std::function<std::string(int fd)>& read) {
  common::Pipe pipe = common::make_pipe();
  Transfer result;
  std::thread writer([&] {
    result.writer = run(write, pipe.write.get());
    pipe.write.reset();
  });
  result.reader = run(read, pipe.read.get());
  pipe.read.reset();
  writer.join();
  return result;
}

Transfer fetch(const Op& op, const std::string& generation, const Stored& source,
               const std::function<std::string(int fd)>& read) {
  const StoreClient store = op.store();
  const std::string request = boost::json::serialize(
      boost::json::object{{"generation", generation}, {"file", source.file}});
  return transfer([&](int fd) { return store.get(request, fd); }, read);
}

}  // namespace fbx::backup
