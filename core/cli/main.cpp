// SPDX-License-Identifier: Apache-2.0
#include "cli/run.hpp"

int main(int argc, char** argv) {
  return fusebox::cli::run({argv + (argc > 0 ? 1 : 0), argv + argc});
}
