#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A backup of real servers, against the programs that one would otherwise use on their data folders.

usage: backup_bench.py BUILD_DIR [--mb 2000] [--rounds 3]   (a build of the release preset)

All take turns on the same data, in one run. CPU is user and system time of all processes of a
program, and for fusebox that of the servers that it asks, too.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import bench

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.path.expanduser("~/.cache/fusebox/bin")
TICKS = os.sysconf("SC_CLK_TCK")
MB = 1000 * 1000
SERVICES = ["postgres", "clickhouse", "minio"]


def size_of(folder):
    """Bytes of the files below a folder, or of one file."""
    if os.path.isfile(folder):
        return os.path.getsize(folder)
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(folder) for name in names)


class Usage:
    """What one run of a command took: wall and CPU seconds, and the largest process in MB."""

    def __init__(self, command, more_cpu=lambda: 0.0, **kwargs):
        cpu = more_cpu()
        start = time.perf_counter()
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(command, stdout=said, stderr=said, **kwargs)
            _, status, usage = os.wait4(process.pid, 0)
            self.wall = time.perf_counter() - start
            self.cpu = usage.ru_utime + usage.ru_stime + more_cpu() - cpu
            self.memory = usage.ru_maxrss / 1024
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                said.seek(0)
                sys.exit(f"{' '.join(command)} ended with {process.returncode}\n{said.read().decode()}")


class Stack:
    """configs/demo.toml in a folder of its own, with data."""

    def __init__(self, build, folder):
        self.folder = folder
        self.port = {}
        steps = ["secrets-file.resolve", "backup.create"]  # verification is measured by itself
        config = os.path.join(folder, "config")
        shutil.copytree(os.path.join(SOURCE, "configs"), config)
        self.fusebox = [os.path.join(build, "bin/fusebox"), "--config", os.path.join(config, "demo.toml"),
                        "--set", "stack.name=fusebox-bench", "--set", f"stack.state_dir={folder}/state",
                        "--set", f"plugins.runtime-process.data_dir={folder}/data",
                        "--set", f"phases.backup.steps={json.dumps(steps)}"]
        for service, ports in (("postgres", ["postgres"]), ("clickhouse", ["http", "native", "interserver"]),
                               ("redis", ["redis"]), ("minio", ["api", "console"])):
            for name in ports:
                self.port[name] = free_port()
                self.fusebox += ["--set",
                                 f"plugins.runtime-process.services.{service}.ports.{name}.port={self.port[name]}"]
        self.run("deploy")
        self.secrets = read_secrets(os.path.join(config, "demo/.env"))
        self.backups = os.path.join(config, "demo/backups/fusebox-bench")
        self.folders = [f"data/{name}" for name in SERVICES if os.path.isdir(f"{folder}/data/{name}")]
        # A restore starts the others anew, and they do little.
        self.pids = [int(one["id"]) for one in json.loads(self.run("--json", "ps"))["services"]
                     if one["name"] in ("postgres", "clickhouse")]

    def run(self, *arguments, **kwargs):
        ended = subprocess.run(self.fusebox + list(arguments), capture_output=True, text=True, check=False, **kwargs)
        if ended.returncode != 0:
            sys.exit(f"fusebox {' '.join(arguments)}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def server_cpu(self):
        total = 0
        for pid in self.pids:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                total += sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:15])
        return total / TICKS

    def environment(self):
        return {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(self.port["postgres"]), "PGUSER": "postgres",
                "PGPASSWORD": self.secrets["POSTGRES_PASSWORD"]}

    def clickhouse(self, sql):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port['http']}/", data=sql.encode(),
            headers={"X-ClickHouse-User": "clickhouse", "X-ClickHouse-Key": self.secrets["CLICKHOUSE_PASSWORD"]})
        with urllib.request.urlopen(request, timeout=600) as answer:
            return answer.read()

    def fill(self, mb):
        """Rows and objects that compress about as well as traces of a language model do."""
        words = "E'" + " ".join(random.Random(1).choices(WORDS, k=60)) + "'"
        self.psql("CREATE TABLE trace (id bigserial PRIMARY KEY, name text, at timestamptz, meta jsonb, input text);"
                  "CREATE TABLE bench_probe (at timestamptz)")
        while size_of(f"{self.folder}/data/postgres/base") < 0.4 * mb * MB:
            self.psql("INSERT INTO trace (name, at, meta, input) SELECT 'trace ' || g % 50, now() - g * interval '1 s',"
                      "jsonb_build_object('user', md5((g % 5000)::text), 'tokens', g % 4000, 'model', 'some-model'),"
                      f"substr({words}, 1 + (random() * 100)::int, 200) || md5(random()::text) || md5(random()::text) "
                      "FROM generate_series(1, 50000) g; CHECKPOINT")
        self.psql("VACUUM (FREEZE, ANALYZE) trace")
        self.psql("CHECKPOINT")
        self.clickhouse("CREATE DATABASE lf")
        self.clickhouse("CREATE TABLE lf.observations (id UInt64, name String, input String, at Date DEFAULT "
                        "'2026-11-24') ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY id")
        while size_of(f"{self.folder}/data/clickhouse") < 0.3 * mb * MB:
            self.clickhouse("INSERT INTO lf.observations (id, name, input) SELECT rand64(), concat('step ', "
                            f"toString(number % 70)), concat(substring({words[1:]}, 1 + rand() % 100, 200), "
                            "hex(rand64(1)), hex(rand64(2)), hex(rand64(3)), hex(rand64(4))) FROM numbers(200000)")
        if "data/minio" in self.folders and shutil.which("mc", path=self.path()):
            self.put_objects(int(0.3 * mb * MB))

    def put_objects(self, total, size=100000):
        folder = f"{self.folder}/objects"
        os.makedirs(folder)
        noise = random.Random(2)
        for number in range(max(1, total // size)):
            with open(f"{folder}/{number}.json", "wb") as file:
                text = " ".join(noise.choices(WORDS, k=size // 12)).encode()
                file.write(text + noise.randbytes(max(0, size - len(text))))
        login = f"{self.secrets['MINIO_ROOT_USER']}:{self.secrets['MINIO_ROOT_PASSWORD']}"
        subprocess.run(["sh", "-c", f"mc mb it/langfuse && mc mirror {folder} it/langfuse"], check=True,
                       stdout=subprocess.DEVNULL,
                       env={**os.environ, "PATH": self.path(), "MC_CONFIG_DIR": f"{self.folder}/mc",
                            "MC_HOST_it": f"http://{login}@127.0.0.1:{self.port['api']}"})
        shutil.rmtree(folder)

    @staticmethod
    def path():
        return PROGRAMS + os.pathsep + os.environ["PATH"]

    def psql(self, sql):
        subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, "postgres"], env=self.environment(),
                       check=True, stdout=subprocess.DEVNULL)


WORDS = [f"{a}{b}" for a in ("trace", "model", "prompt", "answer", "score", "token", "user", "session", "span", "cost",
                             "latency", "input") for b in ("", "s", "ed", "ing", " of", " and", " is", " the")]


class Watch(threading.Thread):
    """Asks a service again and again, and keeps how long it went without an answer."""

    def __init__(self, name, ask):
        super().__init__(daemon=True)
        self.name, self.ask, self.answers, self.failures, self.longest = name, ask, 0, 0, 0.0
        self.over = threading.Event()
        self.start()

    def run(self):
        last = time.perf_counter()
        while not self.over.wait(0.02):
            try:
                self.ask()
                self.answers += 1
                self.longest = max(self.longest, time.perf_counter() - last)
                last = time.perf_counter()
            except OSError:
                self.failures += 1

    def end(self):
        self.over.set()
        self.join()
        return self


class Session:
    """One psql, which writes a row whenever it is asked."""

    def __init__(self, environment):
        self.psql = subprocess.Popen(["psql", "-XAt", "postgres"], env=environment, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)

    def write(self):
        self.psql.stdin.write("INSERT INTO bench_probe VALUES (now());\n")
        if self.psql.stdout.readline() != "INSERT 0 1\n":
            raise OSError("refused")

    def end(self):
        self.psql.communicate()


def read_secrets(path):
    with open(path, encoding="utf-8") as file:
        pairs = (line.rstrip("\n").split("=", 1) for line in file if "=" in line and not line.startswith("#"))
        return {name: value.strip("'") for name, value in pairs}


def free_port():
    import socket
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def packed(stack):
    """tar of the folders of servers that run, which warns, and ends with 1, when a file changes meanwhile."""
    return f"(tar -C {stack.folder} -cf - {' '.join(stack.folders)} || test $? = 1)"


def others(stack):
    """By name: a shell command that packs the data folders into $OUT, and one that makes $OUT empty before."""
    names = " ".join(stack.folders)
    tar = packed(stack)
    commands = {"tar | zstd -T0 -3": f"{tar} | zstd -q -T0 -3 > $OUT/all.tar.zst"}
    offen = shutil.which("docker-volume-backup", path=stack.path())
    if offen:
        commands["offen/docker-volume-backup"] = (
            f"BACKUP_SOURCES={stack.folder}/data BACKUP_ARCHIVE=$OUT BACKUP_FILENAME=all.tar.gz "
            f"BACKUP_EXCLUDE_REGEXP=/redis/ {offen}")
    else:
        commands["tar | gzip -6, as offen does"] = f"{tar} | gzip -6 > $OUT/all.tar.gz"
    if shutil.which("restic"):
        commands["restic, first run"] = (
            f"cd {stack.folder} && export RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=$OUT/cache && "
            f"restic -q -r $OUT/repository init && restic -q -r $OUT/repository backup {names}")
    return commands


def middle(usages, what):
    return statistics.median(getattr(one, what) for one in usages)


def measure(build, mb, rounds, folder):
    stack = Stack(build, folder)
    try:
        stack.fill(mb)
        data = sum(size_of(os.path.join(folder, name)) for name in stack.folders)
        print(f"\n{data / MB:.0f} MB in {', '.join(name.split('/')[1] for name in stack.folders)}, median of {rounds}")
        commands = others(stack)
        ours, theirs, sizes = [], {name: [] for name in commands}, {}
        for turn in range(rounds):
            for name, command in commands.items():
                if turn > 0 and ("gzip" in name or "offen" in name) and mb > 500:
                    continue  # minutes, and far off
                with tempfile.TemporaryDirectory(dir=folder) as out:
                    theirs[name].append(Usage(["bash", "-c", f"set -o pipefail; {command}"],
                                              env={**os.environ, "OUT": out}))
                    sizes[name] = size_of(out)
            ours.append(Usage(stack.fusebox + ["backup", "create"], stack.server_cpu))
        generation = sorted(os.listdir(stack.backups))[-1]
        stored = size_of(os.path.join(stack.backups, generation))
        report(ours, theirs, sizes, stored)
        watch_rows(stack)
        restore_rows(stack, rounds)
    finally:
        subprocess.run(stack.fusebox + ["--yes", "down", "--volumes", "--confirm", "fusebox-bench"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def report(ours, theirs, sizes, stored):
    aims = {"tar | zstd -T0 -3": "at most 1.00", "restic, first run": "at most 1.00"}
    for name, usages in theirs.items():
        bench.row("backup create", middle(ours, "wall"), middle(usages, "wall"), "s", aims.get(name, "at most 0.33"),
                  f"other: {name}")
        bench.row("    CPU, servers included", middle(ours, "cpu"), middle(usages, "cpu"), "s", "", f"other: {name}")
        bench.row("    stored", stored / MB, sizes[name] / MB, "MB", "", f"other: {name}")
    bench.row("    memory of the largest process", max(one.memory for one in ours),
              max(one.memory for one in theirs["tar | zstd -T0 -3"]), "MB", "under 150 MB", "other: tar | zstd -T0 -3")


def watch_rows(stack):
    """Services are used while one more backup is made, which is not timed."""
    session = Session(stack.environment())
    watches = [Watch("PostgreSQL, writing", session.write),
               Watch("ClickHouse", lambda: stack.clickhouse("SELECT 1"))]
    stack.run("backup", "create")
    for watch in watches:
        watch.end()
        bench.row(f"    without {watch.name}", watch.longest * 1000, None, "ms", "0 failures",
                  f"the longest wait of {watch.answers}; {watch.failures} failures")
    session.end()


def restore_rows(stack, rounds):
    verify, unpack = [], []
    with tempfile.TemporaryDirectory(dir=stack.folder) as out:
        subprocess.run(["bash", "-c", f"{packed(stack)} | zstd -q -T0 -3 > {out}/all.tar.zst"], check=True)
        for _ in range(rounds):
            verify.append(Usage(stack.fusebox + ["backup", "verify"]))
            os.mkdir(f"{out}/unpacked")
            unpack.append(Usage(["bash", "-c", f"zstd -dc {out}/all.tar.zst | tar -x -C {out}/unpacked"]))
            shutil.rmtree(f"{out}/unpacked")
    bench.row("backup verify", middle(verify, "wall"), middle(unpack, "wall"), "s", "", "other: zstd -d | tar x")
    bench.row("    CPU", middle(verify, "cpu"), middle(unpack, "cpu"), "s", "", "other: zstd -d | tar x")
    whole = Usage(stack.fusebox + ["restore", "latest", "--yes"], stack.server_cpu)
    bench.row("restore", whole.wall, middle(unpack, "wall"), "s", "",
              "other: zstd -d | tar x; verifies, makes a safety backup, counts")
    bench.row("    CPU, servers included", whole.cpu, middle(unpack, "cpu"), "s", "", "other: zstd -d | tar x")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--mb", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fusebox-bench-") as folder:
        os.chmod(folder, 0o711)
        measure(os.path.abspath(options.build), options.mb, options.rounds, folder)


if __name__ == "__main__":
    main()
