"""Nodes are stopped and started one after the other under load: listeners move when they are told, and miss nothing."""
import json
import signal
import threading
from urllib.parse import urlsplit

import pytest

from exact import members as members_of
from exact import word
from fleet import Load, finish_all
from listeners import KINDS
from patience import eventually, patient


class Mover(threading.Thread):
    """A listener that goes on elsewhere: with `drain` it takes the first node that is named, else the next it knows, and
    always the cursor of the last message it heard."""

    def __init__(self, fleet, member, topics, kind):
        super().__init__(daemon=True)
        self.fleet, self.topics, self.kind = fleet, topics, kind
        self.messages, self.moves, self.told, self.gaps, self.port = [], 0, [], [], member.port
        self.over, self.problem, self.cursor = threading.Event(), None, None
        self.listener = self.open()
        self.start()

    def open(self):
        listener = KINDS[self.kind](self.port, self.topics, keep=self.take,
                                    **({"from_": self.cursor} if self.cursor else {}))
        return listener

    def take(self, line):
        if line.startswith(b'{"op"'):
            control = json.loads(line)
            if control["op"] == "drain":
                self.told.append(control)
            elif control["op"] == "gap":
                self.gaps.append(control)
            return
        text = line.decode()
        self.messages.append(json.loads(text))
        self.cursor = word(members_of(text)["cursor"])

    def run(self):
        try:
            while not self.over.is_set():
                if self.listener.ended or (self.told and self.told[-1].get("nodes") and self.told[-1] is not self.acted()):
                    self.move()
                self.over.wait(0.02)
        except Exception as problem:  # noqa: BLE001 - shown by the test
            self.problem = problem

    def acted(self):
        return getattr(self, "_acted", None)

    def move(self):
        told = self.told[-1] if self.told and self.told[-1] is not self.acted() else None
        self._acted = self.told[-1] if self.told else None
        self.listener.close()
        eventually(lambda: self.listener.ended, what="the end of the old stream")
        ports = [urlsplit(url).port for url in (told or {}).get("nodes", [])]
        ports += [member.port for member in self.fleet.running if member.port != self.port]
        for port in ports * int(patient(20)):
            self.port = port
            try:
                self.listener = self.open()
                self.moves += 1
                return
            except (OSError, AssertionError, ValueError, IndexError):
                self.over.wait(0.1)
        raise AssertionError(f"nobody takes the listener: {ports}")

    def finish(self):
        self.over.set()
        self.join(patient(20))
        assert self.problem is None, self.problem
        self.listener.close()


@pytest.mark.parametrize("ends", ["drained", "killed"])
def test_listeners_move_through_a_rolling_restart_and_miss_nothing(fleet, ends):
    members = fleet.form(3)
    first = Load(members[0], "roll.n1", 80)
    first.flows(20)
    movers = [Mover(fleet, member, "roll.>", kind) for member, kind in zip(members, ("ws", "ndjson", "ws"))]
    begun = len(first.acknowledged)
    loads = [first] + [Load(member, f"roll.{member.name}", 80) for member in members[1:]]
    for load in loads:
        load.flows(50)
    for number, member in enumerate(members):
        if ends == "drained":
            member.signal(signal.SIGTERM)
            assert member.wait_exit(40) == 0
        else:
            member.kill()
        for load in loads:
            if load.member is not member:
                load.flows(50)
        member.launch()
        member.wait_ready(60)
        fleet.whole()
        loads[number].flows(50)
    acknowledged = finish_all(loads)
    history = fleet.settle("roll.>", acknowledged)
    late = {tuple(payload) for payload in first.acknowledged[:begun + 50]}
    wanted = {message["id"] for message in history if tuple(message["data"]) not in late}
    for mover in movers:
        eventually(lambda mover=mover: wanted <= {message["id"] for message in mover.messages}, 40,
                   what="every message at a listener that moved", pause=0.2)
        mover.finish()
        assert mover.moves >= 1
        seen = set()
        for message in mover.messages:
            assert message["id"] not in seen or "repeat" in message.get("flags", []) or mover.moves, "repeats come with moves only"
            seen.add(message["id"])
        if ends == "drained":
            assert mover.told and all({"in", "nodes", "cursor"} <= drain.keys() for drain in mover.told), mover.told
            assert any(drain["nodes"] for drain in mover.told), "the others are named"
