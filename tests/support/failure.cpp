// SPDX-License-Identifier: Apache-2.0
#include "support/failure.hpp"

#include <doctest/doctest.h>

#include <atomic>

namespace fusebox::test {

namespace {

std::atomic<bool> any_failure{false};

// Learns whether a check failed: doctest tells nobody else.
struct FailureWatch : doctest::IReporter {
  explicit FailureWatch(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData&) override { any_failure = false; }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (stats.failure_flags != 0) any_failure = true;
  }
  void test_case_exception(const doctest::TestCaseException&) override { any_failure = true; }
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& data) override {
    if (data.m_failed) any_failure = true;
  }
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
REGISTER_LISTENER("failure-watch", 1, FailureWatch);

}  // namespace

bool test_failed() { return any_failure; }

}  // namespace fusebox::test
