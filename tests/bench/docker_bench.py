#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same stack of containers through fusebox and through bare Compose, measured in turns.

usage: docker_bench.py BUILD_DIR   (a build of the release preset with FUSEBOX_TESTS=ON)

Langfuse's own servers are those that tests/support/engine builds; the ratios are what counts.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import bench

ROUNDS = 3
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENGINE = os.path.join(SOURCE, "tests/support/engine")
SECRETS = ["POSTGRES_PASSWORD", "CLICKHOUSE_PASSWORD", "REDIS_AUTH", "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD",
           "ENCRYPTION_KEY", "SALT", "NEXTAUTH_SECRET"]


def seconds(command, **kwargs):
    start = time.perf_counter()
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **kwargs)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{ended.stdout}")
    return time.perf_counter() - start


class Stack:
    """A folder with a langfuse-docker stack, and both ways to run it."""

    def __init__(self, build, folder):
        for name in ("compose", "configs"):
            shutil.copytree(os.path.join(SOURCE, name), os.path.join(folder, name))
        config = os.path.join(folder, "configs")
        lines = [f"{name}={'ab12' * 16}\n" for name in SECRETS]
        with open(os.path.join(config, ".env"), "w", encoding="utf-8", opener=private) as file:
            file.writelines(lines)
        self.environment = {**os.environ, **{name: "ab12" * 16 for name in SECRETS}}
        self.fusebox = [os.path.join(build, "bin/fusebox"), "--config", os.path.join(config, "langfuse-docker.toml"),
                        "--set", "stack.name=bench", "--set", f'stack.state_dir="{folder}/state"',
                        "--set", f'plugins.runtime.files=["{folder}/compose/docker-compose.yml"]',
                        "--set", 'plugins.probe-clickhouse.min_version="18"',
                        "--set", "plugins.runtime.min_disk=0", "--set", "plugins.runtime.min_memory=0"]
        self.compose = ["docker", "compose", "--project-name", "bench", "--env-file",
                        os.path.join(config, "versions.lock"), "--file",
                        os.path.join(folder, "compose/docker-compose.yml")]

    def deploy(self):
        return seconds(self.fusebox + ["deploy"])

    def up(self):
        return seconds(self.compose + ["up", "--detach", "--wait"], env=self.environment)

    def down(self):
        seconds(self.compose + ["down", "--volumes"], env=self.environment)


def private(path, flags):
    return os.open(path, flags, 0o600)


def measure(build):
    with tempfile.TemporaryDirectory(prefix="fusebox-bench-") as folder:
        stack = Stack(build, folder)
        stack.up()  # both find the engine warm
        stack.down()
        ours, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(stack.up())
            stack.down()
            ours.append(stack.deploy())
            stack.down()
        bench.row("deploy of Langfuse, images present", statistics.median(ours) * 1000,
                  statistics.median(theirs) * 1000, "ms", "at most 1.10", "other: docker compose up -d --wait")
        stack.deploy()
        listed = bench.wall_ms(stack.compose + ["ps"], env=stack.environment)
        bench.row("fusebox ps of six containers", bench.wall_ms(stack.fusebox + ["ps"]), listed, "ms", "at most 0.20",
                  "other: docker compose ps")
        bench.row("fusebox health of six containers", bench.wall_ms(stack.fusebox + ["health"]), listed, "ms",
                  "at most 0.20", "other: docker compose ps, which asks no service")
        bench.row("deploy of a Langfuse that runs", bench.wall_ms(stack.fusebox + ["deploy"], runs=5),
                  bench.wall_ms(stack.compose + ["up", "--detach", "--wait"], runs=5, env=stack.environment), "ms", "",
                  "other: docker compose up -d --wait")
        stack.down()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    if "FUSEBOX_TEST_ENGINE" in os.environ:
        measure(build)
        return
    engine = os.path.join(ENGINE, "engine.py")
    with tempfile.TemporaryDirectory(prefix="fusebox-bench-engine-") as folder:
        started = subprocess.run([sys.executable, engine, "start", folder], check=False)
        if started.returncode == 0:
            inside = [sys.executable, engine, "enter", folder, sys.executable]
            subprocess.run(inside + [os.path.join(ENGINE, "images.py"),
                                     os.path.join(build, "tests/stand-in/langfuse/langfuse_stand_in"),
                                     os.path.join(SOURCE, "configs/versions.lock")],
                           stdout=subprocess.DEVNULL, check=True)
            subprocess.run(inside + [os.path.abspath(__file__), build], check=False)
        subprocess.run([sys.executable, engine, "stop", folder], check=False)


if __name__ == "__main__":
    main()
