// SPDX-License-Identifier: Apache-2.0
#include "engine/scan_state.hpp"

#include <algorithm>
#include <exception>
#include <tuple>

namespace fusebox::scan {

namespace {

constexpr std::size_t kWorthLoading = std::size_t{256} << 10U;
constexpr std::size_t kWorthBuilding = std::size_t{8} << 20U;

template <class List>
void append(List& to, List&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

auto order_of(const Finding& f) {
  return std::tie(f.file, f.start_line, f.start_column, f.rule_id, f.commit, f.end_line,
                  f.end_column, f.secret, f.match);
}

}  // namespace

PrefilterSource::~PrefilterSource() {
  if (builder_.joinable()) builder_.join();
}

bool PrefilterSource::take(std::shared_ptr<const Prefilter> prefilter) {
  const std::lock_guard lock(mutex_);
  prefilter_ = std::move(prefilter);
  is_ready_.store(prefilter_ != nullptr, std::memory_order_release);
  return prefilter_ != nullptr;
}

void PrefilterSource::make() {
  stage_ = Stage::building;
  if (!take(Prefilter::load(rules_, cache_))) take(Prefilter::build(rules_, cache_));
}

void PrefilterSource::count(std::size_t bytes) {
  const std::size_t all = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  Stage none = Stage::none;
  if (all >= kWorthLoading && stage_.load(std::memory_order_relaxed) == Stage::none &&
      stage_.compare_exchange_strong(none, Stage::loading)) {
    take(Prefilter::load(rules_, cache_));
    return;
  }
  Stage loading = Stage::loading;
  if (all < kWorthBuilding || is_ready() ||
      stage_.load(std::memory_order_relaxed) != Stage::loading ||
      !stage_.compare_exchange_strong(loading, Stage::building))
    return;
  builder_ = std::thread([this] { take(Prefilter::build(rules_, cache_)); });
}

std::shared_ptr<const Prefilter> PrefilterSource::get() {
  const std::lock_guard lock(mutex_);
  return prefilter_;
}

void Scan::problem(std::string where, std::string what) {
  const std::lock_guard lock(mutex_);
  report_.problems.push_back({std::move(where), std::move(what)});
}

void Scan::skipped_archive(std::string path) {
  const std::lock_guard lock(mutex_);
  report_.skipped_archives.push_back(std::move(path));
}

void Scan::merge(Report part) {
  const std::lock_guard lock(mutex_);
  append(report_.findings, std::move(part.findings));
  append(report_.problems, std::move(part.problems));
  append(report_.warnings, std::move(part.warnings));
  report_.bytes += part.bytes;
  report_.files += part.files;
  report_.commits += part.commits;
}

bool Scan::is_cancelled() {
  if (!is_cancelled_.load(std::memory_order_relaxed) && options_.cancelled && options_.cancelled())
    cancel();
  return is_cancelled_.load(std::memory_order_relaxed);
}

Report Scan::take() {
  if (is_cancelled()) problem("the scan", "it was stopped before its end");
  std::sort(report_.findings.begin(), report_.findings.end(),
            [](const Finding& a, const Finding& b) { return order_of(a) < order_of(b); });
  std::sort(report_.skipped_archives.begin(), report_.skipped_archives.end());
  std::sort(report_.problems.begin(), report_.problems.end(),
            [](const Problem& a, const Problem& b) { return a.where < b.where; });
  return std::move(report_);
}

Worker::Worker(Scan& scan, DetectorOptions options)
    : scan_(scan), detector_(scan.rules(), std::move(options)) {}

Worker::~Worker() { scan_.merge(std::move(report_)); }

void Worker::take(const Fragment& fragment) {
  if (scan_.is_cancelled()) throw Cancelled{};
  if (PrefilterSource* source = scan_.prefilter(); source != nullptr) {
    source->count(fragment.raw.size());
    if (!detector_.has_prefilter() && source->is_ready()) detector_.use(source->get());
  }
  const std::size_t before = report_.findings.size();
  detector_.detect(fragment, report_.findings);
  const bool is_redacted = scan_.options().redact > 0;
  const auto first = report_.findings.begin() + static_cast<std::ptrdiff_t>(before);
  report_.findings.erase(
      std::remove_if(first, report_.findings.end(),
                     [&](Finding& finding) { return scan_.known().judge(finding, is_redacted); }),
      report_.findings.end());
  report_.bytes += fragment.raw.size();
  if (scan_.options().progress) scan_.options().progress(fragment.raw.size());
}

void on_threads(Scan& scan, unsigned count, const std::string& where,
                const std::function<void(unsigned number)>& work) {
  const auto guarded = [&](unsigned number) {
    try {
      work(number);
    } catch (const Cancelled&) {
      scan.cancel();
    } catch (const std::exception& error) {
      scan.problem(where, error.what());
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < count; ++i) threads.emplace_back(guarded, i);
  guarded(0);
  for (std::thread& thread : threads) thread.join();
}

unsigned thread_count(const Options& options) {
  return options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace fusebox::scan
