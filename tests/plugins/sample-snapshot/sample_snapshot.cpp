// SPDX-License-Identifier: Apache-2.0
// What makes generations is too much for a test of one provider of fusebox.snapshot/1: this calls
// it, as any plugin would, and gives its answer.
#include <fusebox/plugin.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <boost/json.hpp>

namespace {

namespace json = boost::json;

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (fd_ < 0) throw fbx::Error(FBX_IO, "cannot open " + path, "name a file");
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class SampleSnapshot : public fbx::Plugin, public fbx::Step {
 public:
  explicit SampleSnapshot(std::string_view) {}

  std::string plan(fbx::Op&, std::string_view) override { return "{}"; }

  std::string run(fbx::Op& op, std::string_view text) override {
    const json::object with = json::parse(text).at("with").as_object();
    return json::serialize(json::object{{"answer", json::parse(call(op, with))}});
  }

 private:
  static std::string call(const fbx::Op& op, const json::object& with) {
    const auto text_at = [&](const char* key) { return std::string(with.at(key).as_string()); };
    const std::string function = text_at("function");
    const std::string request = text_at("request");
    const std::string file = text_at("file");
    const auto provider = op.snapshot(text_at("instance"));
    if (function == "sources") return provider.sources(request);
    if (function == "capture")
      return provider.capture(request, File(file, O_WRONLY | O_CREAT | O_TRUNC).get());
    if (function == "inspect") return provider.inspect(request, File(file, O_RDONLY).get());
    if (function == "stage") return provider.stage(request, File(file, O_RDONLY).get());
    if (function == "turn") return provider.turn(request);
    if (function == "count") return provider.count(request);
    throw fbx::Error(FBX_ARGUMENT, "there is no function " + function, "name another");
  }
};

}  // namespace

FUSEBOX_PLUGIN(SampleSnapshot)
