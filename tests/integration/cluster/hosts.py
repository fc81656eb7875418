"""Members on hosts of their own: a network namespace each, joined by a bridge, with faults between them."""
import ctypes
import os
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

from fleet import Fleet, Member

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def why_no_hosts():
    """What this machine lacks, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [program for program in ("ip", "tc", "nft") if shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin") is None]
    if missing:
        return "absent: " + ", ".join(missing)
    name = f"an-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        return "no network namespaces here: " + made.stderr.strip()
    subprocess.run(["ip", "netns", "del", name], check=False)
    return None


def command(*words, stdin=None):
    done = subprocess.run([*map(str, words)], input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


class Host:
    """A namespace with one interface, its own loopback, and a table for faults."""

    def __init__(self, hub, number):
        self.name, self.hub, self.port = f"{hub}-{number}", hub, f"p{number}"
        self.address = f"10.77.0.{number}"
        command("ip", "netns", "add", self.name)
        command("ip", "-n", hub, "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        command("ip", "-n", hub, "link", "set", self.port, "master", "bridge", "up")
        command("ip", "-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            command("ip", "-n", self.name, "link", "set", device, "up")
        self.nft("add table inet faults; add chain inet faults arrivals { type filter hook input priority 0; }")
        # Processes die with the thread that started them, so one thread starts them all.
        self.starter = ThreadPoolExecutor(1, initializer=self.enter)

    def enter(self):
        """Moves this thread into the namespace: sockets it makes, processes it starts belong there."""
        with open(f"/run/netns/{self.name}", encoding="ascii") as place:
            assert _libc.setns(place.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())

    def inside(self, function, *arguments, **options):
        """Calls the function on a thread inside; threads it starts are inside too."""
        answer = {}

        def run():
            try:
                self.enter()
                answer["value"] = function(*arguments, **options)
            except BaseException as problem:  # noqa: BLE001 - raised again where it was asked for
                answer["problem"] = problem
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join()
        if "problem" in answer:
            raise answer["problem"]
        return answer.get("value")

    def nft(self, rules):
        command("ip", "netns", "exec", self.name, "nft", "-f", "-", stdin=rules.replace("; add", "\nadd") + "\n")

    def refuse(self, other):
        """Drops all that comes from the other host."""
        self.nft(f"add rule inet faults arrivals ip saddr {other.address} drop")

    def lose(self, percent):
        """Drops that share of what comes in over the wire, whatever it is."""
        self.nft(f'add rule inet faults arrivals iifname "eth0" numgen random mod 100 < {percent} drop')

    def heal(self):
        self.nft("flush chain inet faults arrivals")

    def limit(self, bits_per_second):
        """A thin wire, both ways."""
        for prefix, device in ((("-n", self.name), "eth0"), (("-n", self.hub), self.port)):
            command("tc", *prefix, "qdisc", "replace", "dev", device, "root", "tbf",
                    "rate", f"{bits_per_second}bit", "burst", "2kb", "latency", "2000ms")

    def unlimit(self):
        for prefix, device in ((("-n", self.name), "eth0"), (("-n", self.hub), self.port)):
            command("tc", *prefix, "qdisc", "del", "dev", device, "root")

    def remove(self):
        self.starter.shutdown()
        subprocess.run(["ip", "netns", "del", self.name], check=False)


class HostMember(Member):
    """A member whose sockets are those of its host; tests reach its loopback from inside."""

    host = None

    def launch(self):
        self.host.starter.submit(super().launch).result()

    def request(self, *arguments, **options):
        return self.host.inside(super().request, *arguments, **options)

    def listen(self, topics, **query):
        return self.host.inside(super().listen, topics, **query)


class HostFleet(Fleet):
    """Members on hosts, and faults between hosts."""

    member_class = HostMember

    def __init__(self, directory):
        super().__init__(directory)
        self.hub, self.hosts = f"an{os.getpid()}", []
        command("ip", "netns", "add", self.hub)
        command("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
        command("ip", "-n", self.hub, "link", "set", "bridge", "up")

    def build(self, directory, name, config, environment):
        host = Host(self.hub, len(self.hosts) + 1)
        self.hosts.append(host)
        config["gossip"]["listen"] = f"{host.address}:7946"
        config["mesh"] = {**config.get("mesh", {}), "listen": f"{host.address}:7947"}
        member = super().build(directory, name, config, environment)
        member.host = host
        return member

    @staticmethod
    def cut(one, other):
        """Nothing passes between the two, either way."""
        one.host.refuse(other.host)
        other.host.refuse(one.host)

    def heal(self):
        for host in self.hosts:
            host.heal()

    def clean_up(self):
        super().clean_up()
        for host in self.hosts:
            host.remove()
        subprocess.run(["ip", "netns", "del", self.hub], check=False)
