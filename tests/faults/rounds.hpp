// SPDX-License-Identifier: Apache-2.0
// What tests share that strike at random moments, again and again.
#pragma once

#include "e2e/loaded_demo.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace fusebox::test {

// How often: `few`, or what the environment variable FUSEBOX_TEST_KILLS says.
int rounds(int few);

// Looks every few milliseconds; a test that waits a minute has failed.
void await(const std::function<bool()>& reached);
// A generation is being written there.
bool is_begun(const std::filesystem::path& backups);
// Waits for its end; 128 + n after signal n.
int exit_of(pid_t child);

// Undoes what an interrupted or half undone run left, if any did, and starts what is down.
void mend(const LoadedDemo& stack);
// As mend(). Where the undo needs `service`, and it is down, that is started first.
void mend_dead(const LoadedDemo& stack, const std::string& service);
// A restore that went well, but could not remove the old data, says so, and the next one does.
void remove_old_data(const LoadedDemo& stack, const std::vector<std::string>& restore);

}  // namespace fusebox::test
