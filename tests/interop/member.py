"""One member as a process, ours or the Go one: JSON lines in and out. Both know the same commands and tell the same events."""
import base64
import collections
import ctypes
import itertools
import json
import os
import selectors
import signal
import subprocess
import threading
import time

from patience import patient

LIBC = ctypes.CDLL(None)
# Short times; repetitions as in a LAN, since the local profile loses news now and then and waits for the next push/pull.
QUICK = ["-preset", "local", "-probe-interval", "200ms", "-probe-timeout", "100ms", "-gossip-interval", "50ms",
         "-retransmit-mult", "4", "-push-pull-interval", "5s"]
CALM = ["-preset", "lan", "-gossip-interval", "100ms"]


def die_with_us():
    """In the child: the kernel ends it should the tests be killed."""
    LIBC.prctl(1, signal.SIGKILL)


def base64_of(data):
    return base64.b64encode(data).decode()


class Reader:
    """One thread reads the lines of all members and stamps each with its time of arrival."""

    def __init__(self):
        self.selector, self.lock = selectors.DefaultSelector(), threading.Lock()
        self.wake_out, self.wake_in = os.pipe()
        self.selector.register(self.wake_out, selectors.EVENT_READ, None)
        self.waiting = collections.deque()
        threading.Thread(target=self._run, daemon=True).start()

    def add(self, member):
        self.waiting.append(member)
        os.write(self.wake_in, b".")

    def _run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    os.read(self.wake_out, 4096)
                    while self.waiting:
                        member = self.waiting.popleft()
                        self.selector.register(member.process.stdout, selectors.EVENT_READ, member)
                elif not key.data.feed():
                    self.selector.unregister(key.fileobj)


_reader = None


def reader():
    global _reader
    _reader = _reader or Reader()
    return _reader


def matches(event, want):
    """`node` is compared by name; everything else as it is; a callable judges by itself."""
    for key, value in want.items():
        seen = event.get(key)
        if key in ("node", "other") and isinstance(seen, dict):
            seen = seen["name"]
        if not (value(seen) if callable(value) else seen == value):
            return False
    return True


class Member:
    """A process that is one member. `ignore` names events that are not even parsed (a benchmark's many pings)."""

    def __init__(self, program, name, *flags, log, ignore=(), ready=True):
        self.name, self.events, self.rest, self.ids = name, [], bytearray(), itertools.count(1)
        self.ignore = tuple(f'"event":"{event}"'.encode() for event in ignore)
        self.news, self.ended, self.log_file, self.addr = threading.Condition(), False, log, None
        with open(log, "ab") as stderr:
            self.process = subprocess.Popen([program, "-name", name, *map(str, flags)], stdin=subprocess.PIPE, bufsize=0,
                                            stdout=subprocess.PIPE, stderr=stderr, preexec_fn=die_with_us)
        reader().add(self)
        if ready:
            self.wait_ready()

    def wait_ready(self):
        node = self.wait("ready", timeout=20)["node"]
        self.addr, self.port = node["addr"], int(node["addr"].rsplit(":", 1)[1])
        return self

    # -- what it tells ---------------------------------------------------------------------------------------------

    def feed(self):
        """Called by the reader. False at the end."""
        data = self.process.stdout.read(1 << 20)
        now = time.monotonic()
        if b"\n" in data:
            *lines, rest = (bytes(self.rest) + data).split(b"\n")
            self.rest = bytearray(rest)
            fresh = [json.loads(line) for line in lines if line and not any(what in line for what in self.ignore)]
            with self.news:
                for event in fresh:
                    event["at"] = now
                    self.events.append(event)
                self.news.notify_all()
        elif data:
            self.rest += data
        else:
            with self.news:
                self.ended = True
                self.news.notify_all()
        return bool(data)

    def mark(self):
        """A place in the events: `wait(..., since=mark)` looks only behind it."""
        return len(self.events)

    def find(self, event, since=0, **want):
        return [e for e in self.events[since:] if e["event"] == event and matches(e, want)]

    def wait(self, event, timeout=15, since=0, **want):
        """The first such event since the mark, whether it has come or comes yet."""
        until = time.monotonic() + patient(timeout)
        with self.news:
            while True:
                for index in range(since, len(self.events)):
                    found = self.events[index]
                    if found["event"] == event and matches(found, want):
                        return found
                since, left = len(self.events), until - time.monotonic()
                ended = self.ended  # then nothing comes any more
                if ended or left <= 0 or not self.news.wait(left) and time.monotonic() >= until:
                    last = [e for e in self.events if e["event"] != "ping"][-4:]
                    how = "it ended" if ended else f"{patient(timeout):.0f} s"
                    raise AssertionError(f"{self.name}: no {event} {want}, {how}; last: {last}\nlog: {self.log()[-1500:]}")

    def log(self):
        return self.log_file.read_text(errors="replace")

    def complaints(self):
        """Lines of its log that a healthy cluster does not write."""
        return [line for line in self.log().splitlines() if "[ERR" in line or "[WARN" in line]

    # -- what it is told -------------------------------------------------------------------------------------------

    def send(self, cmd, **more):
        number = next(self.ids)
        self.process.stdin.write((json.dumps({"id": number, "cmd": cmd, **more}) + "\n").encode())
        return number

    def ask(self, cmd, expect=True, timeout=20, **more):
        mark = self.mark()
        reply = self.wait("reply", timeout=timeout, since=mark, id=self.send(cmd, **more))
        assert expect is None or reply["ok"] == expect, (self.name, reply)
        return reply

    def join(self, *others, expect=True):
        return self.ask("join", expect=expect, contacts=[getattr(other, "addr", other) for other in others])

    def view(self):
        """Its members by name."""
        return {member["name"]: member for member in self.ask("members")["members"]}

    def names(self):
        return sorted(self.view())

    # -- life and death --------------------------------------------------------------------------------------------

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
