#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed as ratios, all measured in one run: fusebox against what a user would type instead.

usage: bench.py BUILD_DIR   (a build of the release preset with FUSEBOX_TESTS=ON)
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 21


def wall_ms(command, runs=RUNS, **kwargs):
    """The median wall time of a command, in milliseconds."""
    samples = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
        samples.append((time.perf_counter() - start) * 1000)
    return statistics.median(samples)


def row(what, ours, theirs, unit, aim, other):
    ratio = f"{ours / theirs:6.2f}" if theirs else "     -"
    theirs = f"{theirs:10.1f}" if theirs else "         -"
    print(f"{what:42} {ours:10.1f} {theirs} {unit:3} {ratio}  {aim:28} {other}")


def slowest_step_ms(output):
    """The slowest check of a `health --json`, from its own report."""
    durations = []
    for line in output.splitlines():
        event = json.loads(line)
        if event.get("type") == "step_finished":
            durations.append(event["duration_ms"])
    return max(durations)


def stack_rows(fusebox, source):
    """health and deploy, on a stack of the demo config in a folder of its own."""
    state = tempfile.mkdtemp(prefix="fusebox-bench-")
    os.chmod(state, 0o711)
    base = [fusebox, "--config", os.path.join(source, "configs/demo.toml"),
            "--set", "stack.name=fusebox-bench", "--set", f"stack.state_dir={state}/state"]
    base += ["--set", f"plugins.runtime-process.data_dir={state}/data"]
    if not shutil.which("minio") and not os.path.exists(os.path.expanduser("~/.cache/fusebox/bin/minio")):
        base += ["--set", "plugins.runtime-process.services.minio.enabled=false", "--skip", "probe-minio"]
    try:
        deploy = subprocess.run(base + ["deploy"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if deploy.returncode != 0:
            print(f"deploy failed, so health and deploy are not measured:\n{deploy.stderr}")
            return
        overhead = []
        for _ in range(RUNS):
            start = time.perf_counter()
            health = subprocess.run(base + ["--json", "health"], capture_output=True, text=True)
            total = (time.perf_counter() - start) * 1000
            overhead.append((total, slowest_step_ms(health.stdout)))
        total = statistics.median(t for t, _ in overhead)
        slowest = statistics.median(s for _, s in overhead)
        row("health (against its slowest probe)", total, slowest, "ms", "at most slowest + 10 ms",
            f"+{total - slowest:.1f} ms")
        row("deploy of a stack that runs", wall_ms(base + ["deploy"], runs=5), None, "ms", "", "")
    finally:
        subprocess.run(base + ["--yes", "down"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(state, ignore_errors=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    fusebox = os.path.join(build, "bin/fusebox")
    print(f"{'':42} {'fusebox':>10} {'other':>10}     {'ratio':>6}  {'aim':28} note")
    docker = wall_ms(["docker", "--version"]) if shutil.which("docker") else None
    note = "other: docker --version" if docker else "docker is not installed"
    row("fusebox version", wall_ms([fusebox, "version"]), docker, "ms", "under 10 ms", note)
    row("fusebox plugins list", wall_ms([fusebox, "plugins", "list"]), docker, "ms", "under 10 ms", note)
    measured = subprocess.run([os.path.join(build, "bin/abi_bench"), os.path.join(build, "lib/fusebox/test-plugins")],
                              capture_output=True, text=True, check=True).stdout
    values = {line.split()[0]: float(line.split()[1]) for line in measured.splitlines()}
    row("a call across the ABI", values["abi_call"], None, "ns", "under 100 ns", "the bare slot")
    row("a call through the host", values["host_call"], None, "ns", "", "with JSON, redaction and checks")
    row("a plugin's first call", values["plugin_load"], None, "ms", "", "trust, load, create")
    stack_rows(fusebox, source)
    for script in ("docker_bench.py", "backup_bench.py"):
        sys.stdout.flush()
        subprocess.run([sys.executable, os.path.join(source, "tests/bench", script), build], check=False)


if __name__ == "__main__":
    main()
