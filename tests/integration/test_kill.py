"""kill -9 at any moment: what was acknowledged with `disk` is there afterwards, and a listener that comes back with its cursor
misses nothing and hears nothing twice."""
import http.client
import json
import os
import random
import threading
import time

from exact import members, word
from listeners import Listener
from patience import eventually, patient

KILLS = int(os.environ.get("ANODE_KILLS", "25"))
SEED = int(os.environ.get("ANODE_SEED", str(random.randrange(1 << 32))))


class Publisher(threading.Thread):
    """Publishes numbered payloads with ack=disk until the node dies: single ones and small batches."""

    def __init__(self, node, name, first, draw):
        super().__init__(daemon=True)
        self.node, self.name, self.next, self.draw = node, name, first, draw
        self.acknowledged, self.offered = [], []
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=patient(10))
        while True:
            numbers = range(self.next, self.next + self.draw.choice([1, 1, 1, 3, 20]))
            self.next = numbers.stop
            self.offered.extend(numbers)
            body = "".join(f'{{"by":"{self.name}","n":{n}}}\n' for n in numbers)
            try:
                connection.request("POST", f"/v1/topics/kill.{self.name}/messages?ack=disk", body,
                                   {"Content-Type": "application/x-ndjson"})
                answer = connection.getresponse()
                said = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                return
            assert answer.status == 200 and said["accepted"] == len(numbers) and said["ack"] == "disk", said
            self.acknowledged.extend(numbers)


def cursor_of(line):
    return word(members(line.decode())["cursor"])


def number_of(line):
    data = json.loads(line)["data"]
    return data["by"], data["n"]


def resumed(node, heard):
    """A listener that goes on after the last line it heard."""
    return Listener(node.port, "kill.>", **({"from_": cursor_of(heard[-1])} if heard else {"from_": "earliest"}))


def test_nothing_acknowledged_is_lost_and_resume_is_exact_over_kills(make_node):
    print(f"ANODE_SEED={SEED}")
    draw = random.Random(SEED)
    node = make_node()
    acknowledged, offered, heard, next_number = set(), set(), [], {"a": 0, "b": 0}
    for _ in range(KILLS):
        listener = resumed(node, heard)
        publishers = [Publisher(node, name, next_number[name], random.Random(draw.random())) for name in next_number]
        dies_at = time.monotonic() + draw.uniform(0.02, 0.6)
        eventually(lambda: time.monotonic() >= dies_at and all(p.offered for p in publishers), pause=0.001)
        node.kill()
        for publisher in publishers:
            publisher.join(patient(20))
            assert not publisher.is_alive()
            acknowledged |= {(publisher.name, n) for n in publisher.acknowledged}
            offered |= {(publisher.name, n) for n in publisher.offered}
            next_number[publisher.name] = publisher.next
        eventually(lambda: listener.ended, what="the listener's end")
        heard += listener.lines
        node.start()

    node.publish("kill.end", {"by": "end", "n": 0})
    with resumed(node, heard) as listener:
        eventually(lambda: listener.lines and number_of(listener.lines[-1]) == ("end", 0), 30, what="the last message")
        heard += listener.lines
    controls = [line for line in heard if '"op"' in line.decode()[:12]]
    got = [number_of(line) for line in heard[:-1] if line not in controls]
    stored = [number_of(line.encode()) for line in
              node.get("/v1/messages?topics=kill.>&order=asc", headers={"Accept": "application/x-ndjson"}, timeout=60)
              .text.splitlines()[:-1]]
    assert acknowledged, "no publish was acknowledged: the test shows nothing"
    assert acknowledged - set(stored) == set(), "acknowledged and lost"
    assert len(stored) == len(set(stored)) and set(stored) <= offered
    assert controls == [], "a resume on the same node knows no gap"
    lost, twice = set(stored) - set(got), len(got) - len(set(got))
    assert not lost and not twice, f"resume missed {sorted(lost)[:5]} ({len(lost)}) and repeated {twice}"
    for name in next_number:
        numbers = [n for by, n in got if by == name]
        assert numbers == sorted(numbers), "messages of a topic keep their order"
    print(f"{KILLS} kills, {len(offered)} offered, {len(acknowledged)} acknowledged, {len(stored)} stored")


def test_a_batch_that_was_being_written_is_there_whole_or_not_at_all_when_it_was_not_acknowledged(make_node):
    node = make_node()
    draw = random.Random(SEED)
    for round_ in range(5):
        body = "".join(f'{{"round":{round_},"n":{n}}}\n' for n in range(400))
        dying = threading.Timer(draw.uniform(0, 0.01), node.kill)
        dying.start()
        try:
            node.post("/v1/topics/batch.x/messages", body, headers={"Content-Type": "application/x-ndjson"})
        except (OSError, http.client.HTTPException):
            pass
        dying.join()
        node.start()
        found = [m for m in node.get("/v1/messages?topics=batch.>&order=asc", headers={"Accept": "application/x-ndjson"})
                 .text.splitlines() if json.loads(m)["data"]["round"] == round_]
        numbers = [json.loads(m)["data"]["n"] for m in found]
        assert numbers == list(range(len(numbers))), "a prefix, in order"
