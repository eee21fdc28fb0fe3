#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images for the tests' own engine, under the names that lock files pin: no registry is asked.

    images.py <stand-in program> <lock file>...

The data plane's images hold this machine's own servers (Debian's, so older than what their names
promise: a test of them is a test of the plumbing), with the users, entry points and tools of the
images they stand for. Langfuse's images hold the stand-in program. Its release next to a locked one,
and that release with each of the stand-in's faults, have images of their own: see FAULTS.

BUSYBOX is for tests that need any image.

What cannot be built is named, and its tests are skipped: `docker image inspect` tells them.
"""
import concurrent.futures
import glob
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FAULTS = {  # what the tag says -> what web or worker is told
    "web": {name: name for name in ("crash", "dirty", "slow", "schema", "wrong-version", "unavailable", "database",
                                    "hang")},
    "worker": {"worker-crash": "crash", "error": "error", "stuck": "stuck", "propagation-stuck": "propagation-stuck",
               "worker-hang": "hang"},
}
NEXT = "4.17.0"
BUSYBOX = "docker.io/library/busybox:1.35.0"
USERS = {"postgres": 999, "redis": 999, "clickhouse": 101, "nextjs": 1001, "expressjs": 1001}


class Absent(Exception):
    """A program that an image needs is not on this machine."""


class Hashing:
    """A file that is written, and hashed on the way."""

    def __init__(self, file):
        self.file, self.hash = file, hashlib.sha256()

    def write(self, data):
        self.hash.update(data)
        return self.file.write(data)


class Layer:
    """A file system: the machine's own files with the libraries they need, and busybox's tools."""

    def __init__(self, user, without=()):
        self.file = tempfile.TemporaryFile()
        self.hashing = Hashing(self.file)
        self.tar = tarfile.open(fileobj=self.hashing, mode="w|", format=tarfile.GNU_FORMAT)
        self.present = set()
        uid = USERS[user]
        for path in ("bin", "etc", "usr/bin", "usr/sbin", "var/run", "root"):
            self.folder(path)
        self.folder("tmp", mode=0o1777)
        self.text("etc/passwd", f"root:x:0:0:root:/root:/bin/sh\n{user}:x:{uid}:{uid}::/:/bin/sh\n")
        self.text("etc/group", f"root:x:0:\n{user}:x:{uid}:\n")
        self.text("etc/nsswitch.conf", "hosts: files dns\n")
        self.program("busybox", at="bin/busybox")
        for applet in subprocess.run(["busybox", "--list"], check=True, capture_output=True, text=True).stdout.split():
            if applet not in ("busybox", "setpriv", *without):
                self.link(f"bin/{applet}", "busybox")

    def entry(self, path, kind, mode, uid=0):
        parent = os.path.dirname(path)
        if parent and parent not in self.present:
            self.folder(parent)
        self.present.add(path)
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.uid, info.gid = kind, mode, uid, uid
        return info

    def folder(self, path, mode=0o755, uid=0):
        if path not in self.present:
            self.tar.addfile(self.entry(path, tarfile.DIRTYPE, mode, uid))

    def link(self, path, target):
        info = self.entry(path, tarfile.SYMTYPE, 0o777)
        info.linkname = target
        self.tar.addfile(info)

    def text(self, path, text, mode=0o644):
        info = self.entry(path, tarfile.REGTYPE, mode)
        info.size = len(text)
        self.tar.addfile(info, io.BytesIO(text.encode()))

    def copy(self, source, at=None):
        path = (at or source).lstrip("/")
        if path in self.present:
            return
        status = os.stat(source)
        info = self.entry(path, tarfile.REGTYPE, status.st_mode & 0o755 | 0o444)
        info.size = status.st_size
        with open(source, "rb") as file:
            self.tar.addfile(info, file)

    def tree(self, folder):
        for parent, _, names in os.walk(folder, followlinks=True):
            for name in names:
                self.copy(os.path.join(parent, name))

    def program(self, name, at=None):
        """A program or library with the libraries it is linked to."""
        source = name if "/" in name else shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        if source is None or not os.path.exists(source):
            raise Absent(f"no {name} on this machine")
        self.copy(source, at)
        listed = subprocess.run(["ldd", source], capture_output=True, text=True, check=False).stdout
        for line in listed.splitlines():
            for word in line.split():
                if word.startswith("/") and os.path.exists(word):
                    self.copy(word)

    def close(self):
        self.tar.close()
        self.file.seek(0, os.SEEK_END)
        return self


def load(layer, images):
    """Gives a layer to the engine as images: [(name, configuration)]."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    size = layer.file.tell()
    archive = tempfile.TemporaryFile()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:

        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))

        manifest = []
        for name, config in images:
            text = json.dumps({
                "architecture": machine, "os": "linux", "config": config,
                "created": "2026-01-01T00:00:00Z",
                "history": [{"created": "2026-01-01T00:00:00Z"}],
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + layer.hashing.hash.hexdigest()]},
            }).encode()
            file = hashlib.sha256(text).hexdigest() + ".json"
            add(file, text)
            manifest.append({"Config": file, "RepoTags": [name], "Layers": ["layer.tar"]})
        add("manifest.json", json.dumps(manifest).encode())
        info = tarfile.TarInfo("layer.tar")
        info.size = size
        layer.file.seek(0)
        tar.addfile(info, layer.file)
    archive.seek(0)
    subprocess.run(["docker", "load", "--quiet"], stdin=archive, stdout=subprocess.DEVNULL, check=True)


# ---- the images --------------------------------------------------------------------------------


def entry_point(layer, script, at):
    layer.copy(os.path.join(HERE, "images", script), at)


def postgres(names, _):
    layer = Layer("postgres")
    homes = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    if not homes:
        raise Absent("no PostgreSQL on this machine")
    home, version = os.path.dirname(homes[-1]), homes[-1].split("/")[4]
    for name in ("postgres", "initdb", "pg_ctl", "pg_isready", "pg_dump", "pg_dumpall", "pg_restore", "psql",
                 "pg_basebackup", "pg_controldata"):
        layer.program(f"{home}/bin/{name}")
    for name in ("dict_snowball", "plpgsql", "pg_stat_statements", "libpqwalreceiver"):
        layer.program(f"{home}/lib/{name}.so")
    layer.tree(f"/usr/share/postgresql/{version}")
    zones(layer)
    layer.program("/usr/bin/setpriv")
    layer.folder("var/lib/postgresql/data", mode=0o700, uid=USERS["postgres"])
    entry_point(layer, "postgres.sh", "usr/local/bin/docker-entrypoint.sh")
    load(layer.close(), [(name, {
        "Env": [f"PATH={home}/bin:/usr/local/bin:/usr/bin:/bin", "PGDATA=/var/lib/postgresql/data"],
        "Entrypoint": ["docker-entrypoint.sh"], "Cmd": ["postgres"], "StopSignal": "SIGINT",
        "Volumes": {"/var/lib/postgresql/data": {}}, "ExposedPorts": {"5432/tcp": {}},
    }) for name in names])


def redis(names, _):
    layer = Layer("redis")
    for name in ("redis-server", "redis-cli", "/usr/bin/setpriv"):
        layer.program(name)
    layer.folder("data", uid=USERS["redis"])
    entry_point(layer, "redis.sh", "usr/local/bin/docker-entrypoint.sh")
    load(layer.close(), [(name, {
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "Entrypoint": ["docker-entrypoint.sh"], "Cmd": ["redis-server"],
        "WorkingDir": "/data", "Volumes": {"/data": {}}, "ExposedPorts": {"6379/tcp": {}},
    }) for name in names])


def clickhouse(names, _):
    layer = Layer("clickhouse")
    for name in ("clickhouse-server", "clickhouse-client", "/usr/bin/setpriv"):
        layer.program(name)
    zones(layer)
    layer.link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
    layer.text("etc/timezone", "Etc/UTC\n")
    # A newer client takes the password from there by itself.
    layer.text("etc/clickhouse-client/config.xml",
               '<config><password from_env="CLICKHOUSE_PASSWORD"/></config>\n')
    for path in ("var/lib/clickhouse", "var/log/clickhouse-server", "etc/clickhouse-server/config.d"):
        layer.folder(path, uid=USERS["clickhouse"])
    entry_point(layer, "clickhouse.sh", "entrypoint.sh")
    load(layer.close(), [(name, {
        "Env": ["PATH=/usr/sbin:/usr/bin:/bin", "TZ=UTC", "CLICKHOUSE_CONFIG=/etc/clickhouse-server/config.xml"],
        "Entrypoint": ["/entrypoint.sh"], "Volumes": {"/var/lib/clickhouse": {}},
        "ExposedPorts": {"8123/tcp": {}, "9000/tcp": {}},
    }) for name in names])


def minio(names, _):
    # MinIO's image has no archiver; busybox's own shell would find one in itself.
    layer = Layer("nextjs", without=("sh", "tar", "cpio", "find"))
    layer.program("dash", at="bin/sh")
    layer.program("minio", at="usr/bin/minio")
    layer.program("mc", at="usr/bin/mc")
    layer.folder("data")
    entry_point(layer, "minio.sh", "usr/bin/docker-entrypoint.sh")
    load(layer.close(), [(name, {
        "Env": ["PATH=/usr/bin:/bin", "HOME=/tmp", "MC_CONFIG_DIR=/tmp/.mc"],
        "Entrypoint": ["/usr/bin/docker-entrypoint.sh"], "Cmd": ["minio"],
        "Volumes": {"/data": {}}, "ExposedPorts": {"9000/tcp": {}},
    }) for name in names])


def langfuse(role, names, stand_in):
    user = {"web": "nextjs", "worker": "expressjs"}[role]
    layer = Layer(user)
    layer.program(stand_in, at="app/langfuse")

    def config(version, fault=""):
        return {
            "Env": ["PATH=/usr/bin:/bin", f"STAND_IN_VERSION={version}", f"STAND_IN_FAULT={fault}"],
            "Entrypoint": ["/app/langfuse", role], "WorkingDir": "/app", "User": user,
            "ExposedPorts": {"3000/tcp" if role == "web" else "3030/tcp": {}},
        }

    images = [(name, config(name.rpartition(":")[2])) for name in names]
    repository = names[0].rpartition(":")[0]
    images.append((f"{repository}:{NEXT}", config(NEXT)))
    for fault in sorted({*FAULTS["web"], *FAULTS["worker"]}):  # web and worker always have the same tag
        tag = f"{NEXT}-{fault}"
        images.append((f"{repository}:{tag}", config(tag, FAULTS[role].get(fault, ""))))
    load(layer.close(), images)


def busybox(names, _):
    load(Layer("nextjs").close(), [(name, {"Env": ["PATH=/bin"], "Cmd": ["sh"]}) for name in names])


def zones(layer):
    for path in ("/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/Etc/UTC"):
        layer.copy(path)


BUILDERS = {
    "BUSYBOX_IMAGE": busybox,
    "MINIO_IMAGE": minio,
    "CLICKHOUSE_IMAGE": clickhouse,
    "POSTGRES_IMAGE": postgres,
    "REDIS_IMAGE": redis,
    "LANGFUSE_WEB_IMAGE": lambda names, stand_in: langfuse("web", names, stand_in),
    "LANGFUSE_WORKER_IMAGE": lambda names, stand_in: langfuse("worker", names, stand_in),
}


def names_of(locks):
    names = {}
    for lock in locks:
        with open(lock, encoding="utf-8") as file:
            for line in file:
                key, equals, value = line.strip().partition("=")
                if equals and not key.startswith("#") and value not in names.setdefault(key, []):
                    names[key].append(value)
    return names


def main(stand_in, *locks):
    names = {"BUSYBOX_IMAGE": [BUSYBOX], **names_of(locks)}
    missing = sorted(set(BUILDERS) - set(names))
    if missing:
        raise SystemExit(f"images: the lock files do not name {', '.join(missing)}")
    started = time.monotonic()

    def build(key):
        begun = time.monotonic()
        try:
            BUILDERS[key](names[key], stand_in)
            print(f"images: {time.monotonic() - begun:4.1f} s  {' '.join(names[key])}")
        except Absent as problem:
            print(f"images: SKIPPED, {problem}: {' '.join(names[key])}")

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(build, key) for key in BUILDERS]:
            done.result()
    print(f"images: {time.monotonic() - started:4.1f} s in all")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
