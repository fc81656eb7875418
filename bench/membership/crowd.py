"""Many members as processes, ours or memberlist's, started alike, driven alike and counted alike."""

import collections
import random
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path[:0] = [str(TESTS / "interop"), str(TESTS / "support")]

import peers  # noqa: E402
from member import Member  # noqa: E402

SETTINGS = ["-preset", "lan", "-log=false"]  # the same on both sides; compression as it comes, no keys
FAST = ["-fast=on"]  # ours as nodes of ours run: they know the fast profile of each other
NOT_READ = ("ping", "update", "merge", "merge-remote-state", "suspect", "refute", "forget", "message")


def wait_until(check, seconds, pause=0.01):
    """Whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def cpu_seconds(pid):
    """Time on a processor of all its threads, to the nanosecond: the kernel's clock of another process."""
    return time.clock_gettime((~pid << 3) | 2)


class Watched(Member):
    """A member that keeps whom it sees and when it saw others go."""

    def __init__(self, *arguments, **more):
        self.seen, self.gone, self.read = set(), [], 0
        super().__init__(*arguments, ignore=NOT_READ, ready=False, **more)

    def feed(self):
        going = super().feed()
        for event in self.events[self.read:]:
            name = event["node"]["name"] if event["event"] in ("join", "leave") else None
            if name and name != self.name:
                if event["event"] == "join":
                    self.seen.add(name)
                    self.whole_at = event["at"]
                else:
                    self.seen.discard(name)
                    self.gone.append((event["at"], name))
        self.read = len(self.events)
        return going


class Crowd:
    """`count` members of one kind, each its own process. A context manager."""

    def __init__(self, kind, count):
        self.kind, self.count = kind, count
        self.logs = tempfile.TemporaryDirectory()
        program, flags = (peers.own(), FAST) if kind == "anode" else (peers.memberlist(), [])
        log = Path(self.logs.name) / "log"
        self.members = [Watched(program, f"m{i}", *SETTINGS, *flags, log=log) for i in range(count)]
        for one in self.members:
            one.wait_ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.members:
            one.thaw()
            one.end()
        self.logs.cleanup()

    def whole(self):
        return all(len(one.seen) == self.count - 1 for one in self.members)

    def join(self, patience=60):
        """All at once through the first; the seconds until everyone sees everyone."""
        began = time.monotonic()
        for one in self.members[1:]:
            one.send("join", contacts=[self.members[0].addr])
        if not wait_until(self.whole, patience):
            return None
        return max(one.whole_at for one in self.members) - began

    def tell(self, cmd, **more):
        """To all, without waiting one for another."""
        numbers = [(one, one.mark(), one.send(cmd, **more)) for one in self.members]
        return [one.wait("reply", since=mark, id=number, timeout=20) for one, mark, number in numbers]

    def lose(self, loss, streams=True):
        self.tell("fault", send_loss=loss, tcp=streams)

    def heal(self, patience=90):
        """No faults, everyone sees everyone again."""
        self.lose(0)
        if not wait_until(self.whole, patience, pause=0.1):
            raise RuntimeError(f"{self.kind}: no whole view after a heal")

    def others(self, *apart):
        return [one for one in self.members if one not in apart]

    def pick(self, seed):
        """A victim, not the contact."""
        return random.Random(seed).choice(self.members[1:])

    def deaths(self, since, observers, victims):
        """How often `victims` were declared dead, by the observer who saw most of it for each, and all single reports."""
        names, told = {one.name for one in victims}, {}
        for one in observers:
            for at, name in list(one.gone):
                if at >= since and name in names:
                    told.setdefault(name, collections.Counter())[one.name] += 1
        return sum(max(by.values()) for by in told.values()), sum(sum(by.values()) for by in told.values())

    def usage(self):
        """CPU seconds, packets and bytes sent, of all."""
        stats = self.tell("stats")
        return (sum(cpu_seconds(one.process.pid) for one in self.members),
                sum(s["packets_out"] for s in stats), sum(s["bytes_out"] for s in stats))
