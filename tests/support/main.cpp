// SPDX-License-Identifier: Apache-2.0
// Part of every test program.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

namespace {

bool has_failed = false;

struct Watcher : doctest::IReporter {
  explicit Watcher(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override { has_failed = true; }
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& data) override { has_failed |= data.m_failed; }
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("watcher", 1, Watcher);

}  // namespace

namespace fusebox::test {

void skip_program(const std::string& why) {
  std::fprintf(stderr, "skipped, cannot run here: %s\n", why.c_str());
  std::exit(has_failed ? 1 : 77);
}

}  // namespace fusebox::test
