// SPDX-License-Identifier: Apache-2.0
// One service: its state, its start, its stop, its data folder.
#pragma once

#include "launch.hpp"
#include "settings.hpp"

namespace runtime_process {

// What one run of a verb works with.
struct Scene {
  const Settings& settings;
  std::string run;  // the run's id
  Wait wait;
};

enum class State { missing, created, running, exited };
std::string_view state_name(State state);

struct Status {
  State state = State::missing;
  std::optional<Record> record;
};

// missing: never started, no data folder. created: there is a data folder. For a service that has
// just ended it waits, at most a second, until its shim has told how.
Status status_of(const Settings& settings, std::string_view service);

// Was it told to stop, so that it cannot be counted on although it may still run? True until the
// next start, also when the process that told it was killed meanwhile.
bool is_stopping(const Settings& settings, std::string_view service);

// The names of all services that are on record, also those that the config no longer has.
std::vector<std::string> recorded_services(const Settings& settings);

// Prepares the folders and files that the definition wants, and starts it. Back when the program
// runs; it may not be ready yet. Throws fbx::Error{conflict} when its lock is held.
void start_service(const Scene& scene, const Definition& definition);

// Stops what is on record under this name, when it runs: its stop signal, then after its grace
// SIGKILL to its group. Waits for a start that is under way. Back when process and shim are gone;
// true when there was something to stop. The grace counts even when the op was cancelled.
bool stop_service(const Scene& scene, const std::string& service);

// Takes a stopped service off the record.
void forget_service(const Settings& settings, std::string_view service);

// Waits until the service answers as its definition says. Throws fbx::Error{unavailable}: it
// ended, or its time is over; the hint has the last lines of its log.
void wait_ready(const Scene& scene, const Definition& definition);

// Who made the data folder, when it was fusebox: <state_dir>/volumes/<name>.json.
std::optional<std::string> volume_run(const Settings& settings, std::string_view service);

// The names of all data folders that fusebox made, also of services that the config no longer has.
std::vector<std::string> recorded_volumes(const Settings& settings);

// Makes the data folder, owned by the service's user, and runs its init, if any. It appears in its
// place complete or not at all.
void create_volume(const Scene& scene, const Service& service, const Definition& definition);

// Makes an empty folder for a service's data, owned by its user, and the folders above it.
void make_volume_folder(const Settings& settings, const Service& service, const fs::path& folder);

// Removes the data folder, what is staged for it, what a killed init left, and the record of who
// made it.
void remove_volume(const Settings& settings, std::string_view service);

// Removes those of our own folders that hold nothing any more.
void remove_empty_folders(const Settings& settings);

// The folder that an init fills before it becomes the data folder.
fs::path init_dir(const Settings& settings, std::string_view service);

// Its init is done, or it has none.
bool volume_complete(const Settings& settings, const Service& service);

// The last lines of a service's log, as text.
std::string last_lines(const fs::path& log_file, std::size_t count);

}  // namespace runtime_process
