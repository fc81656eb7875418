"""Clusters of real processes on this machine: ours, with a key ring and so sealed, and NATS servers with routes, in clear."""

import json
import os
import sys
import time
import urllib.request
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path[:0] = [str(TESTS / folder) for folder in ("integration/cluster", "interop", "support")]

import peers  # noqa: E402
from fleet import Fleet  # noqa: E402
from hosts import HostFleet, command, why_no_hosts  # noqa: E402,F401
from measure.servers import Server, free_port, nats_version  # noqa: E402

NATS = "github.com/nats-io/nats-server/v2"
NATS_VERSION = "v2.15.2"
SETTINGS = {"gossip": {"profile": "lan"}}  # as nodes run; tests know a quicker one
NDJSON = {"Content-Type": "application/x-ndjson"}


def note(text):
    print(f"cluster: {text}", file=sys.stderr, flush=True)


def until(check, seconds, what, pause=0.01):
    """Waits until it is true and gives what it gave. A figure that waits in vain is no figure."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
    return found


def pin(pid, core):
    """All threads that the process has, and so all that they will start."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {int(core)})


class Lasting:
    """What a figure may do with members that live as long as a `with` does."""

    def __init__(self, world, size, core=None, config=None, sources=(), first_sources=()):
        os.environ["ANODE_BIN"] = str(world.binary)
        super().__init__(world.fresh())
        self.config, self.sources, self.first_sources = {**SETTINGS, **(config or {})}, list(sources), list(first_sources)
        try:
            self.form(size)
        except BaseException:
            self.clean_up()
            raise
        if core is not None:
            for member in self.members:
                pin(member.process.pid, core)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clean_up()

    def form(self, size):
        """The first, then all others at once through it."""
        first = self.make()
        others = [self.make(contacts=[first], start=False) for _ in range(size - 1)]
        for member in others:
            member.launch()
        for member in others:
            member.wait_ready(60)
        self.remember_contacts()
        self.whole()
        return self.members

    def build(self, directory, name, config, environment):
        """The same sources stand in the file of every node; the first may have more."""
        sources = self.sources + (self.first_sources if name == "n1" else [])
        return super().build(directory, name, {**config, "source": sources}, environment)

    def ports(self, members=None):
        return ",".join(str(member.port) for member in members or self.members)

    @property
    def pids(self):
        return [member.process.pid for member in self.members]

    def again(self, member):
        """Starts one that was killed, and waits until all see all."""
        member.launch()
        member.wait_ready(60)
        self.whole()


class Nodes(Lasting, Fleet):
    """On loopback."""


class Hosts(Lasting, HostFleet):
    """On hosts of their own, so that what passes between them can be counted."""


def stored(member, prefix):
    """Messages in its store, of all topics that begin so."""
    total, after = 0, ""
    while True:
        page = member.get(f"/v1/topics?prefix={prefix}&limit=1000{after}", timeout=60).json()
        total += sum(topic["messages"] for topic in page["items"])
        if not page.get("next"):
            return total
        after = f"&after={page['next']}"


def publish(member, topic, lines, ack="received"):
    answer = member.post(f"/v1/topics/{topic}/messages?ack={ack}", "".join(lines), headers=NDJSON, timeout=60)
    if answer.status != 200 or answer.json()["accepted"] != len(lines):
        raise RuntimeError(f"a batch was not taken: {answer}")


def nats_program():
    """The newest of NATS_SERVERS, else the version named above, built once."""
    named = [path for path in os.environ.get("NATS_SERVERS", "").split(":") if path and Path(path).exists()]
    if named:
        return max(named, key=lambda path: [int(part) for part in nats_version(path).split(".")])
    target = peers.BUILT / f"nats-server-{NATS_VERSION}" / "nats-server"
    if not target.exists():
        install = ["install", f"{NATS}@{NATS_VERSION}"]
        try:
            peers.one_at_a_time(lambda: target.exists() or peers.go(install, peers.BUILT, {"GOBIN": str(target.parent)}))
        except peers.Absent as why:
            raise RuntimeError(str(why)) from why
    return target


class NatsCluster:
    """NATS servers that are routed each to each; clients come by WebSocket, as to our nodes."""

    def __init__(self, world, size, core):
        program, directory = nats_program(), world.fresh()
        self.name, self.servers = f"NATS {nats_version(program)}", []
        routes = [free_port() for _ in range(size)]
        seeds = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in routes)
        try:
            monitors = [self.start(program, directory, number, routes[number], seeds, core) for number in range(size)]
            for port in monitors:
                until(lambda port=port: self.routed(port) == size - 1, 30, "routes between NATS servers", 0.1)
        except BaseException:
            self.__exit__()
            raise

    def start(self, program, directory, number, route, seeds, core):
        port, monitor = free_port(), free_port()
        config = directory / f"nats-{number}.conf"
        config.write_text(f'server_name: "s{number}"\nlisten: "127.0.0.1:{free_port()}"\nhttp: "127.0.0.1:{monitor}"\n'
                          f'ping_interval: "30m"\nwebsocket {{ listen: "127.0.0.1:{port}", no_tls: true }}\n'
                          f'cluster {{ name: "bench", listen: "127.0.0.1:{route}", routes: [{seeds}] }}\n')
        self.servers.append(Server([program, "-c", config], port, directory, core))
        return monitor

    @staticmethod
    def routed(monitor):
        with urllib.request.urlopen(f"http://127.0.0.1:{monitor}/routez", timeout=5) as answer:
            return len({route["remote_id"] for route in json.load(answer)["routes"]})

    def ports(self):
        return ",".join(str(server.port) for server in self.servers)

    @property
    def pids(self):
        return [server.pid for server in self.servers]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()
