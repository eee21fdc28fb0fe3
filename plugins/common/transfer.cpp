// SPDX-License-Identifier: Apache-2.0
#include "common/transfer.hpp"

#include <thread>

#include "common/beside.hpp"
#include "common/io.hpp"

namespace fbx::common {

namespace {

Side run(const std::function<std::string(int)>& body, int fd) noexcept {
  try {
    return {body(fd), std::nullopt};
  } catch (const Reported& reported) {
    return {{}, error_of(reported)};
  } catch (const Error& error) {
    return {{}, error};
  } catch (const std::exception& error) {
    return {{}, Error(FBX_INTERNAL, error.what())};
  }
}

}  // namespace

Transfer transfer(const std::function<std::string(int fd)>& write,
                  const std::function<std::string(int fd)>& read) {
  Pipe pipe = make_pipe();
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

}  // namespace fbx::common
