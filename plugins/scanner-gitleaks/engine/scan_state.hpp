// SPDX-License-Identifier: Apache-2.0
// What the threads of one scan share.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/compiled.hpp"
#include "engine/detector.hpp"
#include "engine/known.hpp"
#include "engine/prefilter.hpp"
#include "engine/scanner.hpp"

namespace fusebox::scan {

// Thrown out of a scan that should end. No std::exception: nothing may take it for a file's error.
struct Cancelled {};

// The prefilter, from when it pays: a small scan ends before it would be there.
class PrefilterSource {
 public:
  PrefilterSource(const Compiled& rules, Cache cache) : rules_(rules), cache_(std::move(cache)) {}
  ~PrefilterSource();
  PrefilterSource(const PrefilterSource&) = delete;
  PrefilterSource& operator=(const PrefilterSource&) = delete;

  // Has it now.
  void make();
  // So many bytes more were scanned.
  void count(std::size_t bytes);
  bool is_ready() const { return is_ready_.load(std::memory_order_acquire); }
  std::shared_ptr<const Prefilter> get();

 private:
  enum class Stage { none, loading, building };

  bool take(std::shared_ptr<const Prefilter> prefilter);

  const Compiled& rules_;
  Cache cache_;
  std::atomic<std::size_t> bytes_{0};
  std::atomic<Stage> stage_{Stage::none};
  std::atomic<bool> is_ready_{false};
  std::mutex mutex_;
  std::shared_ptr<const Prefilter> prefilter_;
  std::thread builder_;
};

// One scan: what it found so far, from all threads.
class Scan {
 public:
  Scan(const Compiled& rules, const Options& options, const Known& known,
       PrefilterSource* prefilter)
      : rules_(rules), options_(options), known_(known), prefilter_(prefilter) {}

  const Compiled& rules() const { return rules_; }
  const Options& options() const { return options_; }
  const Known& known() const { return known_; }
  PrefilterSource* prefilter() const { return prefilter_; }

  void problem(std::string where, std::string what);
  void skipped_archive(std::string path);
  void merge(Report part);  // of a thread that is done
  bool is_cancelled();
  void cancel() { is_cancelled_ = true; }
  Report take();  // sorted

 private:
  const Compiled& rules_;
  const Options& options_;
  const Known& known_;
  PrefilterSource* prefilter_;
  std::atomic<bool> is_cancelled_{false};
  std::mutex mutex_;
  Report report_;
};

// One thread's part of a scan.
class Worker {
 public:
  Worker(Scan& scan, DetectorOptions options);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Detector& detector() { return detector_; }
  Report& report() { return report_; }
  // Throws Cancelled.
  void take(const Fragment& fragment);

 private:
  Scan& scan_;
  Detector detector_;
  Report report_;
};

// Runs `work` on so many threads, the calling one among them. What they throw is kept until all
// have ended: Cancelled cancels the scan, anything else becomes a problem at `where`.
void on_threads(Scan& scan, unsigned count, const std::string& where,
                const std::function<void(unsigned number)>& work);

unsigned thread_count(const Options& options);

}  // namespace fusebox::scan
