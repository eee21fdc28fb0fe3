#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Docker Engine of the tests' own, beside which any other on the machine is left alone.

    engine.py start <folder> [--size 64m]      ready, or exit 77 with the reason
    engine.py stop <folder>
    engine.py enter <folder> <program> [...]   runs a program where the engine's ports are
    engine.py down|up|restart <folder>         the daemon alone; namespaces, data and socket stay

The engine has network, mount and process namespaces of its own. Its data are in <folder>, with --size
in memory and limited to that; its socket is in a short path under the temporary folder. It lives as
long as the process that called `start`: when that one ends, however it ends, nothing is left. Callers
that share a folder share the engine.

DOCKER_HOST, DOCKER_CONFIG and FUSEBOX_TEST_ENGINE=<folder> are set for what `enter` runs. A registry
answers for docker.io and docker.langfuse.com inside; no other is reachable.

FUSEBOX_TEST_REQUIRE=docker makes a failure of what would be a skip.
"""
import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
SECONDS_TO_START = 60
REGISTRIES = ["docker.langfuse.com", "registry-1.docker.io"]
PROGRAMS = {
    "dockerd": "docker.io",
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "docker-registry": "docker-registry",
    "docker": "docker.io",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
}


class Unavailable(Exception):
    """The engine cannot run on this machine."""


# ---- processes ---------------------------------------------------------------------------------


def birth(pid):
    """When a process started, in the kernel's ticks: tells it from a later one of the same number."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def alive(process):
    return process is not None and birth(process["pid"]) == process["birth"]


def process(pid):
    return {"pid": pid, "birth": birth(pid)}


def cache():
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "fusebox")


# ---- the folder --------------------------------------------------------------------------------


class Folder:
    def __init__(self, path):
        self.path = os.path.abspath(path)

    def __truediv__(self, name):
        return os.path.join(self.path, name)

    @contextlib.contextmanager
    def locked(self):
        os.makedirs(self / "users", exist_ok=True)
        with open(self / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self, name):
        try:
            with open(self / name, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def write(self, name, value):
        with open(self / (name + ".new"), "w", encoding="utf-8") as file:
            json.dump(value, file)
        os.replace(self / (name + ".new"), self / name)

    def remove(self, name):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self / name)

    def add_user(self, pid):
        self.write(os.path.join("users", str(pid)), process(pid))

    def users(self):
        """The users that still live; what dead ones left is removed."""
        living = []
        for name in os.listdir(self / "users"):
            user = self.read(os.path.join("users", name))
            if user and alive(user):
                living.append(user)
            elif not name.endswith(".new"):
                self.remove(os.path.join("users", name))
        return living


# ---- start and stop ----------------------------------------------------------------------------


def check_machine():
    if sys.platform != "linux":
        raise Unavailable("the tests' own container engine needs Linux")
    if os.geteuid() != 0:
        raise Unavailable("the tests' own container engine needs root, for namespaces of its own")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name, path=path)})
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)}; cmake/setup.sh test installs them")
    if not compose_plugin():
        raise Unavailable("Compose is not there; cmake/setup.sh test fetches it")
    probe = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true"],
                           capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        raise Unavailable(f"namespaces cannot be made here: {probe.stderr.strip()}")


def compose_plugin():
    for folder in (os.path.join(cache(), "docker/cli-plugins"), os.path.expanduser("~/.docker/cli-plugins"),
                   "/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins",
                   "/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins"):
        if os.access(os.path.join(folder, "docker-compose"), os.X_OK):
            return os.path.join(folder, "docker-compose")
    return None


def start(folder, size):
    with folder.locked():
        folder.remove("unavailable.json")
        try:
            join_or_launch(folder, size)
        except Unavailable as problem:
            clean(folder)
            folder.write("unavailable.json", str(problem))
            raise
        folder.add_user(os.getppid())


def join_or_launch(folder, size):
    engine = folder.read("engine.json")
    if engine and folder.users() and alive(engine["keeper"]):
        return
    clean(folder)  # what a run that crashed may have left
    check_machine()
    launch(folder, size)


def launch(folder, size):
    run = tempfile.mkdtemp(prefix="fusebox-engine-")
    os.chmod(run, 0o755)
    plugins = folder / "docker/cli-plugins"
    os.makedirs(plugins, exist_ok=True)
    os.symlink(compose_plugin(), os.path.join(plugins, "docker-compose"))
    folder.add_user(os.getpid())  # until the caller is noted
    with open(folder / "engine.log", "w", encoding="utf-8") as log:
        keeper = subprocess.Popen([sys.executable, __file__, "keep", folder.path, run, size or ""],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/")
    engine = {"keeper": process(keeper.pid), "run": run}
    folder.write("engine.json", engine)
    deadline = time.monotonic() + SECONDS_TO_START
    while not answers(run):
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(f"the engine did not start in {SECONDS_TO_START} s; its log ends so:\n{tail(folder)}")
        time.sleep(0.05)
    with open(os.path.join(run, "init.pid"), encoding="utf-8") as file:
        engine["init"] = process(int(file.read()))
    folder.write("engine.json", engine)
    folder.remove(os.path.join("users", str(os.getpid())))


def tail(folder):
    with contextlib.suppress(OSError):
        with open(folder / "engine.log", encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-15:])
    return ""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def answers(run):
    connection = UnixConnection(os.path.join(run, "docker.sock"))
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200 and os.path.exists(os.path.join(run, "registry.up"))
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def stop(folder):
    """Takes the caller off the engine's users; the keeper does the rest when none is left."""
    with folder.locked():
        folder.remove(os.path.join("users", str(os.getppid())))
        engine = folder.read("engine.json")
        if not folder.users():
            clean(folder)
            return
    print(f"engine: others still use it: {[user['pid'] for user in folder.users()]}, {engine['run']} stays")


def clean(folder):
    """Ends the engine, and removes all it had."""
    engine = folder.read("engine.json")
    if engine:
        for name in ("init", "keeper"):  # the death of its first process takes all others of a namespace
            if alive(engine.get(name)):
                os.kill(engine[name]["pid"], signal.SIGKILL)
        deadline = time.monotonic() + 30
        while any(alive(engine.get(name)) for name in ("init", "keeper")) and time.monotonic() < deadline:
            time.sleep(0.02)
        shutil.rmtree(engine["run"], ignore_errors=True)
        remove_cgroups(os.path.basename(engine["run"]))
    for name in ("data", "docker"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("engine.json", "unavailable.json"):
        folder.remove(name)


def remove_cgroups(name):
    for parent, groups, _ in os.walk("/sys/fs/cgroup"):
        if name in groups:
            for path, _, _ in os.walk(os.path.join(parent, name), topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(path)
        groups[:] = [] if parent.count("/") > 4 else [group for group in groups if group != name]


# ---- inside ------------------------------------------------------------------------------------


def keep(folder, run, size):
    """Holds the namespaces until nobody uses the engine any more."""
    inside = subprocess.Popen(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
                               "--propagation", "private", "--mount-proc",
                               sys.executable, __file__, "init", folder.path, run, size])
    with open(f"/proc/{inside.pid}/task/{inside.pid}/children", encoding="utf-8") as file:
        for _ in range(500):
            children = file.read().split()
            if children:
                break
            time.sleep(0.01)
            file.seek(0)
    with open(os.path.join(run, "init.pid"), "w", encoding="utf-8") as file:
        file.write(children[0])
    while inside.poll() is None:
        time.sleep(0.5)
        if folder.users():
            continue
        with folder.locked():
            if not folder.users():
                inside.kill()
                inside.wait()
                engine = folder.read("engine.json")
                engine.pop("keeper")
                folder.write("engine.json", engine)
                clean(folder)
                return


def init(folder, run, size):
    """The first process of the namespaces: mounts, registry, daemon."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD})
    prepare(folder, run, size)
    start_registry(folder, run)
    daemon = start_daemon(folder, run)
    wanted = True
    while True:
        told = signal.sigwait({signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD})
        if told == signal.SIGUSR1:
            wanted = False
            with contextlib.suppress(ProcessLookupError):
                os.kill(daemon, signal.SIGTERM)
        elif told == signal.SIGUSR2:
            wanted = True
        while True:  # orphans of containers come here as well
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == daemon:
                print(f"engine: the daemon ended with {status}", flush=True)
                daemon = 0
        if daemon == 0 and wanted:
            daemon = start_daemon(folder, run)


def shell(*command):
    subprocess.run(command, check=True)


def prepare(folder, run, size):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    shell("ip", "link", "set", "lo", "up")
    os.makedirs(folder / "data", exist_ok=True)
    if size:
        shell("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder / "data")
    with open("/etc/hosts", encoding="utf-8") as file:
        hosts = file.read() + "".join(f"127.0.0.1 {name}\n" for name in REGISTRIES)
    shell("mount", "-t", "tmpfs", "tmpfs", "/run")  # hides the sockets of any other engine
    for name, text in (("hosts", hosts), ("resolv.conf", "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n")):
        with open(os.path.join(run, name), "w", encoding="utf-8") as file:
            file.write(text)
        target = os.path.realpath(os.path.join("/etc", name))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target):
            open(target, "w", encoding="utf-8").close()
        shell("mount", "--bind", os.path.join(run, name), target)


def start_registry(folder, run):
    config = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": folder / "data/registry"}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:80"},
    }
    with open(os.path.join(run, "registry.yml"), "w", encoding="utf-8") as file:
        json.dump(config, file)  # JSON is YAML
    subprocess.Popen(["docker-registry", "serve", os.path.join(run, "registry.yml")])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 80), timeout=1):
            open(os.path.join(run, "registry.up"), "w", encoding="utf-8").close()
            return
        time.sleep(0.02)
    raise SystemExit("engine: the registry did not start")


def start_daemon(folder, run):
    with open(os.path.join(run, "daemon.json"), "w", encoding="utf-8") as file:
        file.write("{}")
    for left in ("docker.pid", "exec/containerd/containerd.pid"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(run, left))
    command = ["dockerd", "--host", f"unix://{run}/docker.sock", "--config-file", os.path.join(run, "daemon.json"),
               "--data-root", folder / "data/docker", "--exec-root", os.path.join(run, "exec"),
               "--pidfile", os.path.join(run, "docker.pid"), "--group", "root", "--log-level", "warn",
               "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/" + os.path.basename(run),
               "--shutdown-timeout", "5", "--registry-mirror", "http://127.0.0.1"]
    for name in REGISTRIES:
        command += ["--insecure-registry", name]
    return subprocess.Popen(command).pid


# ---- use ---------------------------------------------------------------------------------------


def running(folder):
    engine = folder.read("engine.json")
    if engine and alive(engine.get("init")):
        return engine
    reason = folder.read("unavailable.json")
    raise Unavailable(reason or "the tests' own container engine is not running; ctest starts it")


def enter(folder, command):
    engine = running(folder)
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"):
        os.environ.pop(name, None)
    os.environ.update(DOCKER_HOST=f"unix://{engine['run']}/docker.sock", DOCKER_CONFIG=folder / "docker",
                      FUSEBOX_TEST_ENGINE=folder.path)
    os.environ["PATH"] = f"{cache()}/bin:{os.environ['PATH']}"
    os.execvp("nsenter", ["nsenter", f"--net=/proc/{engine['init']['pid']}/ns/net", "--", *command])


def control(folder, verb):
    engine = running(folder)
    if verb in ("down", "restart"):
        os.kill(engine["init"]["pid"], signal.SIGUSR1)
        wait_until(lambda: not answers(engine["run"]), "the daemon to end")
    if verb in ("up", "restart"):
        os.kill(engine["init"]["pid"], signal.SIGUSR2)
        wait_until(lambda: answers(engine["run"]), "the daemon to answer")


def wait_until(condition, what):
    deadline = time.monotonic() + SECONDS_TO_START
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"engine: waited {SECONDS_TO_START} s for {what}")
        time.sleep(0.05)


def main(arguments):
    if len(arguments) < 2:
        raise SystemExit(__doc__)
    verb, folder = arguments[0], Folder(arguments[1])
    rest = arguments[2:]
    if verb == "start":
        start(folder, rest[1] if rest[:1] == ["--size"] else None)
    elif verb == "stop":
        stop(folder)
    elif verb == "enter" and rest:
        enter(folder, rest)
    elif verb in ("down", "up", "restart"):
        control(folder, verb)
    elif verb == "keep":
        keep(folder, *rest)
    elif verb == "init":
        init(folder, *rest)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Unavailable as problem:
        print(f"cannot run here: {problem}", file=sys.stderr)
        sys.exit(1 if "docker" in os.environ.get("FUSEBOX_TEST_REQUIRE", "") else SKIPPED)
