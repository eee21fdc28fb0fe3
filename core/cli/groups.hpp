// SPDX-License-Identifier: Apache-2.0
// The commands' functions, one block per file; commands.cpp says what each is for.
#pragma once

#include <string>
#include <vector>

namespace fusebox::cli {

class Context;

// phases.cpp
int run_phase(Context& context);       // the phase that the command is named after
int run_any_phase(Context& context);   // `run <phase>`
int run_up_or_down(Context& context);  // up, stop, start, restart: with services
// Starts services although a run is open: what its recovery needs.
int start_for_recovery(Context& context, const std::vector<std::string>& services);
int run_down(Context& context);
int run_deploy(Context& context);
int run_health(Context& context);

// plan_command.cpp
int show_plan(Context& context);

// services.cpp
int show_services(Context& context);
int show_urls(Context& context);
int show_stats(Context& context);
int show_volumes(Context& context);

// logs.cpp
int show_logs(Context& context);

// exec.cpp
int run_exec(Context& context);
int run_shell(Context& context);

// backup.cpp
int list_backups(Context& context);
int create_backup(Context& context);
int show_backup(Context& context);
int verify_backup(Context& context);
int prune_backups(Context& context);
int pin_backup(Context& context);  // and unpin
int export_backup(Context& context);
int import_backup(Context& context);

// restore.cpp
int restore_stack(Context& context);
int drill_backup(Context& context);

// sync.cpp
int sync_backups(Context& context);
int monitor_backups(Context& context);

// schedule.cpp
int schedule_backups(Context& context);

// runs.cpp
int list_runs(Context& context);
int show_run(Context& context);
int recover(Context& context);

// plugins.cpp
int list_plugins(Context& context);
int show_plugin(Context& context);
int check_plugin(Context& context);
int trust_plugins(Context& context);
int untrust_plugins(Context& context);

// secrets.cpp
int list_secrets(Context& context);
int check_secrets(Context& context);
int print_secret_template(Context& context);

// config_commands.cpp
int check_config(Context& context);
int show_config(Context& context);
int print_config_path(Context& context);
int trust_folder(Context& context);
int untrust_folder(Context& context);

// init.cpp
int init_stack(Context& context);

// doctor.cpp
int doctor(Context& context);

// completion.cpp
int print_completion(Context& context);
int complete(Context& context);

// help.cpp
int print_help(Context& context);
int print_version(Context& context);

}  // namespace fusebox::cli
