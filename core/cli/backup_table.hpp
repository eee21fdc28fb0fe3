// SPDX-License-Identifier: Apache-2.0
// The `backup` commands of the command table.
#pragma once

#include "cli/command.hpp"
#include "cli/groups.hpp"

#include <array>

namespace fusebox::cli {

// Of what a schedule runs.
inline constexpr OptionSpec wait_option{
    "wait", 0, "", "wait while another run holds the stack, instead of failing"};
inline constexpr std::array backup_create_options = {
    wait_option,
    OptionSpec{"note", 0, "TEXT", "a line for people, kept with the generation"},
    OptionSpec{"pin", 0, "WHY", "never prune this generation, and why"},
};
inline constexpr std::array backup_verify_options = {
    OptionSpec{"hashes-only", 0, "", "compare hashes, and do not open the sources"},
};
inline constexpr std::array backup_import_options = {
    OptionSpec{"map", 0, "MOUNT=INSTANCE",
               "which plugin's volume a mount in the archive is; MOUNT= leaves it out"},
    OptionSpec{"note", 0, "TEXT", "a line for people, kept with the generation"},
    OptionSpec{"pin", 0, "WHY", "never prune this generation, and why"},
};
inline constexpr std::array backup_schedule_options = {
    OptionSpec{"daily", 0, "HH:MM", "when to back up, 02:00 by default"},
    OptionSpec{"drill", 0, "HOW-OFTEN", "weekly (on Sunday, the default), monthly or never"},
    OptionSpec{"weekly", 0, "PHASE", "run that phase, too, on Sundays"},
    OptionSpec{"monthly", 0, "PHASE", "run that phase, too, on the 1st"},
    OptionSpec{"print", 0, "", "show the files and commands, and touch nothing"},
    OptionSpec{"user", 0, "", "root's own schedule instead of the machine's"},
};

inline constexpr std::array restore_options = {
    OptionSpec{"source", 0, "NAME", "restore this source alone; may be repeated"},
    OptionSpec{"no-safety", 0, "", "make no generation of the data that is replaced"},
};

inline constexpr std::array backup_monitor_options = {
    OptionSpec{"once", 0, "", "end after the first sync that went well"},
    OptionSpec{"for", 0, "DURATION", "end after this long"},
};

inline constexpr std::array backup_table = {
    Command{"backup list",
            Group::backup,
            Needs::stack,
            {},
            "",
            "List the generations of this stack, newest first",
            "",
            "fusebox backup list\twhat there is to go back to\nfusebox backup list --json\tfor "
            "scripts",
            {},
            Completes::nothing,
            Exits::plain,
            list_backups},
    Command{"backup create",
            Group::backup,
            Needs::stack,
            {},
            "",
            "Capture all data into a new generation, or none",
            "Runs the phase `backup`. The services keep running. A generation exists once all of "
            "it is on disk; what is interrupted leaves nothing behind.",
            "fusebox backup create\tnow\nfusebox backup create --pin 'before the update'\tone "
            "that stays until it is unpinned",
            backup_create_options,
            Completes::nothing,
            Exits::phase,
            create_backup},
    Command{"backup show",
            Group::backup,
            Needs::stack,
            {0, 1},
            "[GENERATION]",
            "Show what a generation holds",
            "Without a name: the newest.",
            "fusebox backup show\tthe newest\nfusebox backup show --json\tits manifest",
            {},
            Completes::nothing,
            Exits::plain,
            show_backup},
    Command{"backup verify",
            Group::backup,
            Needs::stack,
            {0, 1},
            "[GENERATION]",
            "Re-hash every file of a generation and open every source",
            "Reads what is stored and hands it to the data's own tools. Changes nothing. Without a "
            "name: the newest.",
            "fusebox backup verify\tthe newest\nfusebox backup verify --hashes-only\tfaster",
            backup_verify_options,
            Completes::nothing,
            Exits::health,
            verify_backup},
    Command{"backup drill",
            Group::backup,
            Needs::config,
            {0, 1},
            "[GENERATION]",
            "Prove a generation by restoring it into a scratch stack",
            "Runs the phase `drill` in a stack beside the live one, with names, ports and data of "
            "its own, compares what arrived with what was captured, takes the scratch stack down "
            "and writes a receipt. Without a name: the newest.",
            "fusebox backup drill\tthe newest; how long would a recovery take?",
            {},
            Completes::nothing,
            Exits::phase,
            drill_backup},
    Command{"backup prune",
            Group::backup,
            Needs::stack,
            {},
            "",
            "Remove the generations that no rule keeps",
            "Pinned ones and the last good one always stay.",
            "fusebox backup prune --dry-run\tsay what would stay or go, and why\nfusebox backup "
            "prune\tdo it",
            {},
            Completes::nothing,
            Exits::phase,
            prune_backups},
    Command{"backup sync",
            Group::backup,
            Needs::stack,
            {},
            "",
            "Copy generations to the external drive, and read them back",
            "Copies every whole generation that is not there yet. Never removes one because the "
            "store lacks it. Exit code 75 when the drive is not there.",
            "fusebox backup sync --dry-run\twhat would be copied, and how large it is\nfusebox "
            "backup sync\tdo it, or go on where the last one stopped",
            {},
            Completes::nothing,
            Exits::phase,
            sync_backups},
    Command{
        "backup monitor",
        Group::backup,
        Needs::stack,
        {},
        "",
        "Wait for the external drive, and sync whenever it is there",
        "Ends by Ctrl-C.",
        "fusebox backup monitor\tuntil Ctrl-C\nfusebox backup monitor --once --for 2h\twait two "
        "hours for one sync; exit code 75 when the drive does not come",
        backup_monitor_options,
        Completes::nothing,
        Exits::phase,
        monitor_backups},
    Command{"backup pin",
            Group::backup,
            Needs::stack,
            {2, 2},
            "GENERATION WHY",
            "Keep a generation from being pruned",
            "",
            "fusebox backup pin latest 'before the update'\tthe newest",
            {},
            Completes::nothing,
            Exits::plain,
            pin_backup},
    Command{"backup unpin",
            Group::backup,
            Needs::stack,
            {1, 1},
            "GENERATION",
            "Let a pinned generation go",
            "It stays until the rules of `backup prune` no longer keep it.",
            "fusebox backup unpin 20261124T020000Z-7f3a\tthat one",
            {},
            Completes::nothing,
            Exits::plain,
            pin_backup},
    Command{"backup export",
            Group::backup,
            Needs::stack,
            {0, 2},
            "[GENERATION] [FILE|-]",
            "Write a generation as one tar file",
            "The files as they are stored, the manifest first, and SHA256SUMS. Without a name: the "
            "newest, as <stack>-<generation>.tar in this folder. - is standard output.",
            "fusebox backup export\tthe newest\nfusebox backup export latest - | ssh other 'cat > "
            "b.tar'\tto another machine",
            {},
            Completes::files,
            Exits::phase,
            export_backup},
    Command{"backup import",
            Group::backup,
            Needs::stack,
            {1, 1},
            "FILE",
            "Read an archive into a new generation",
            "What `fusebox backup export` wrote: every hash is compared, and the files are kept as "
            "they were stored. Or what offen/docker-volume-backup wrote (.tar.gz, .tar.zst, .tar): "
            "each mount becomes the volume of the plugin that captures it. An archive that is "
            "damaged or cut off leaves nothing.",
            "fusebox backup import langfuse-20261124T020000Z-7f3a.tar\tan export\nfusebox backup "
            "import backup.tar.gz --map db= --map files=minio\tvolumes",
            backup_import_options,
            Completes::files,
            Exits::phase,
            import_backup},
    Command{"backup schedule",
            Group::backup,
            Needs::config,
            {0, 1},
            "[install|remove|show]",
            "Have the system back up every night",
            "Writes a systemd timer and service, or a launchd agent, that runs `fusebox backup "
            "create`, and a drill each week an hour later. What was missed in sleep runs after it. "
            "No secret is written. Where signing in needs a variable, give it to the service "
            "manager itself (`systemctl --user import-environment NAME`, until the next boot), or "
            "in an encrypted credential (systemd-creds) that a drop-in of the service loads.",
            "fusebox backup schedule install\tor anew, with other options\nfusebox backup schedule "
            "install --print\tonly show it\nfusebox backup schedule show\twhat is there, and when "
            "it runs next\nfusebox backup schedule remove\tno schedule",
            backup_schedule_options,
            Completes::nothing,
            Exits::plain,
            schedule_backups},
    Command{"restore",
            Group::backup,
            Needs::stack,
            {0, 1},
            "[GENERATION]",
            "Put a generation in the place of the live data",
            "Runs the phase `restore`: the generation is proven first, the live data becomes a "
            "generation of its own, what is restored lies beside it until all of it is there, and "
            "any failure turns the old data back. Asks which one, and for the stack's name.",
            "fusebox restore\tchoose from a list\nfusebox restore latest --yes\tin a script\n"
            "fusebox restore latest --dry-run\tsay what each step would do\nfusebox restore latest "
            "--source NAME\tone source alone, as `backup show` names it",
            restore_options,
            Completes::nothing,
            Exits::phase,
            restore_stack},
};

}  // namespace fusebox::cli
