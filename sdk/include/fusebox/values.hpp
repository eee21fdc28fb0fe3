// SPDX-License-Identifier: Apache-2.0
//
// What every part of the C++ face speaks in: texts, errors, secrets, sinks. Part of plugin.hpp.
#ifndef FUSEBOX_VALUES_HPP
#define FUSEBOX_VALUES_HPP

#include "host.h"
#include "plugin.h"

#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace fbx {

inline fbx_str to_str(std::string_view s) noexcept { return {s.data(), s.size()}; }
inline std::string_view view(fbx_str s) noexcept {
  return s.ptr == nullptr ? std::string_view{}
                          : std::string_view{s.ptr, static_cast<size_t>(s.len)};
}

// FBX_HAS for C++: the record is long enough to hold the function, and has one.
template <class Record, class Function>
bool has(const Record* record, Function Record::*field) noexcept {
  const auto* begin = reinterpret_cast<const char*>(record);
  const auto* end = reinterpret_cast<const char*>(&(record->*field)) + sizeof(Function);
  return static_cast<size_t>(end - begin) <= record->struct_size && record->*field != nullptr;
}

// What a method throws: the code says what the operator does next, `what` what failed, on what and
// why, `hint` what to do.
class Error : public std::exception {
 public:
  Error(fbx_rc rc, std::string what, std::string hint = {})
      : rc_(rc), what_(std::move(what)), hint_(std::move(hint)) {}
  fbx_rc rc() const noexcept { return rc_; }
  const char* what() const noexcept override { return what_.c_str(); }
  const std::string& hint() const noexcept { return hint_; }

 private:
  fbx_rc rc_;
  std::string what_;
  std::string hint_;
};

// The other side has already said what is wrong (through fail() on this op): just pass the code on.
// `detail` is what it said, {"code":10,"what":"","hint":""}, where the host tells; else empty.
class Reported : public std::exception {
 public:
  explicit Reported(fbx_rc rc, std::string detail = {}) : rc_(rc), detail_(std::move(detail)) {}
  fbx_rc rc() const noexcept { return rc_; }
  const char* what() const noexcept override { return "already reported"; }
  const std::string& detail() const noexcept { return detail_; }

 private:
  fbx_rc rc_;
  std::string detail_;
};

// A value that is wiped when it goes. Move-only, so that no copy is left behind by accident.
class Secret {
 public:
  Secret() = default;
  ~Secret() { wipe(); }
  Secret(Secret&& other) noexcept { swap(other); }
  Secret& operator=(Secret&& other) noexcept {
    swap(other);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  void append(std::string_view bytes) {
    auto grown = std::make_unique<char[]>(size_ + bytes.size() + 1);
    if (size_ != 0) std::memcpy(grown.get(), data_.get(), size_);
    if (!bytes.empty()) std::memcpy(grown.get() + size_, bytes.data(), bytes.size());
    const size_t size = size_ + bytes.size();
    grown[size] = '\0';
    wipe();
    data_ = std::move(grown);
    size_ = size;
  }
  std::string_view view() const noexcept { return {c_str(), size_}; }
  const char* c_str() const noexcept { return data_ ? data_.get() : ""; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  void swap(Secret& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  void wipe() noexcept {
    // volatile: the compiler may not drop stores to memory that is about to be freed.
    volatile char* p = data_.get();
    for (size_t i = 0; i < size_; ++i) p[i] = 0;
    data_.reset();
    size_ = 0;
  }
  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
};

// A sink as a method sees it.
class Sink {
 public:
  explicit Sink(fbx_sink raw) noexcept : raw_(raw) {}
  void write(std::string_view bytes) const {
    if (bytes.empty()) return;
    const fbx_rc rc = raw_.write(
        raw_.ctx, fbx_span{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    if (rc != FBX_OK) throw Reported(rc);
  }

 private:
  fbx_sink raw_;
};

// A sink that collects into a std::string or an fbx::Secret, to hand to the host.
template <class Target>
fbx_sink collect(Target& target) noexcept {
  return {&target, [](void* ctx, fbx_span bytes) -> int32_t {
            try {
              static_cast<Target*>(ctx)->append(std::string_view{
                  reinterpret_cast<const char*>(bytes.ptr), static_cast<size_t>(bytes.len)});
              return FBX_OK;
            } catch (...) {
              return FBX_NOMEM;
            }
          }};
}

enum class Level : int32_t {
  debug = FBX_LOG_DEBUG,
  info = FBX_LOG_INFO,
  warn = FBX_LOG_WARN,
  error = FBX_LOG_ERROR
};

struct ProcessResult {
  std::string result_json;  // {"exit_code":0,"signal":0}
  std::string err;          // redacted
};

}  // namespace fbx

#endif  // FUSEBOX_VALUES_HPP
