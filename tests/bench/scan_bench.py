#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times `fusebox scan` against the real gitleaks, in both of its builds, and prints ratios.

Whole processes, the same rules (gitleaks' own), the same depth of decoding; rounds are interleaved,
and the medians compared. A build of gitleaks that is absent is left out, and said so.

    tests/bench/scan_bench.py [--fusebox build/release/bin/fusebox] [--tree FOLDER] [--history REPOSITORY]

`cmake/setup.sh test` builds gitleaks with Go's own expressions. The release style, with RE2:
    GOBIN=~/.cache/fusebox/bin/re2 go install -tags gore2regex github.com/zricethezav/gitleaks/v8@v8.30.1
"""
import argparse
import os
import pathlib
import random
import statistics
import string
import subprocess
import sys
import tempfile
import time

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "fusebox"
RULES = CACHE / "gitleaks" / "gitleaks.toml"
FOUND = (0, 5, 77)


def run(command, cwd):
    """Seconds, seconds of CPU, and peak memory in MB of one process and what it starts."""
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    if code not in FOUND:
        sys.exit(f"{' '.join(map(str, command))} ended with {code}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, out.count(b'"RuleID"')


def commands(options, source, depth):
    """By name: the same scan by each program."""
    ours = {"folder": ["."], "staged": ["--staged", "."], "history": ["--history", "."]}[source]
    theirs = {"folder": ["dir", "."], "staged": ["git", "--staged", "."], "history": ["git", "."]}[source]
    flags = ["--no-banner", "-l", "error", "-r", "-", "-f", "json", "--exit-code", "77",
             "-c", RULES, f"--max-decode-depth={depth}"]
    found = {"fusebox": [options.fusebox, "scan", *ours, "--rules", RULES, "--format", "json",
                         "--max-decode-depth", str(depth)]}
    for name, program in (("gitleaks (RE2)", options.gitleaks_re2), ("gitleaks (Go)", options.gitleaks)):
        if pathlib.Path(program).exists():
            found[name] = [program, *theirs, *flags]
    return found


def compare(options, title, source, folder, depth, rounds):
    all_commands = commands(options, source, depth)
    times = {name: [] for name in all_commands}
    cpu = {name: [] for name in all_commands}
    memory, findings = {}, {}
    run(all_commands["fusebox"], folder)  # what it keeps of the rules is there from now on
    for turn in range(rounds):
        for name, command in all_commands.items():
            if turn > 0 and sum(times[name]) > 120:
                continue  # once is enough for what takes minutes
            seconds, worked, megabytes, count = run(command, folder)
            times[name].append(seconds)
            cpu[name].append(worked)
            memory[name], findings[name] = megabytes, count
    base, base_cpu = statistics.median(times["fusebox"]), statistics.median(cpu["fusebox"])
    print(f"\n{title}, depth {depth}")
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        worked = statistics.median(cpu[name])  # tells the same on a busy machine
        print(f"  {name:16} {middle:9.3f} s  {middle / base:6.1f} x   CPU {worked:9.3f} s"
              f"  {worked / base_cpu:6.1f} x  {memory[name]:7.0f} MB"
              f"  {findings[name]} findings, {len(seconds)} rounds", flush=True)
    if len(set(findings.values())) > 1:
        print("  NOTE: they do not find the same number")


def one_liner(folder):
    git = ["git", "-C", folder]
    subprocess.run([*git, "init", "-q"], check=True)
    text = "".join(random.choices(string.ascii_letters + string.digits, k=24))
    pathlib.Path(folder, "a.txt").write_text(f'key = "sk_{"live"}_{text}"\n')
    subprocess.run([*git, "add", "a.txt"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fusebox", type=os.path.abspath, default="build/release/bin/fusebox")
    parser.add_argument("--gitleaks", type=os.path.abspath, default=CACHE / "bin/gitleaks")
    parser.add_argument("--gitleaks-re2", type=os.path.abspath, default=CACHE / "bin/re2/gitleaks")
    parser.add_argument("--tree", help="100 MB or more; default: /usr/include")
    parser.add_argument("--history", help="a repository; default: this one")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    options.fusebox = os.path.abspath(options.fusebox)
    if not RULES.exists():
        sys.exit(f"there is no {RULES}: run cmake/setup.sh test")
    with tempfile.TemporaryDirectory() as folder:
        one_liner(folder)
        compare(options, "one staged line", "staged", folder, 5, 4 * options.rounds)
    tree = options.tree or "/usr/include"
    for depth in (0, 5):
        compare(options, f"the tree {tree}", "folder", tree, depth, options.rounds)
    history = options.history or pathlib.Path(__file__).resolve().parents[2]
    compare(options, f"the history of {history}", "history", history, 5, options.rounds)


if __name__ == "__main__":
    main()
