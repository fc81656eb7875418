"""A cluster of real processes, load on it, and the books that must balance when all is over."""
import http.client
import json
import threading
import time
from collections import defaultdict

from anode_node import Node, run_anode
from listeners import Listener
from patience import eventually, patient

DIGITS = {digit: value for value, digit in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


def make_ring():
    return json.loads(run_anode("keys", "gen").stdout)


def sequence_of(identity):
    """The place of a message in its origin's log, as its id says: the lowest 32 bits."""
    number = 0
    for digit in identity:
        number = number * 32 + DIGITS[digit]
    return number & 0xFFFFFFFF


class Member(Node):
    """A node of a cluster."""

    joins = ()  # members whose addresses stand in its configuration

    @property
    def id(self):
        return (self.data / "node-id").read_text().strip()

    @property
    def gossip_address(self):
        return self.get("/v1/gossip").json()["listen"]

    def states(self):
        return {item["name"]: item["state"] for item in self.get("/v1/nodes").json()["items"]}

    def listen(self, topics, **query):
        return Listener(self.port, topics, **query)

    def history(self, topics):
        """Every stored message of these topics, oldest first."""
        answer = self.get(f"/v1/messages?topics={topics}&order=asc", headers={"Accept": "application/x-ndjson"}, timeout=60)
        assert answer.status == 200, answer
        return [message for message in map(json.loads, answer.text.splitlines()) if "op" not in message]

    def ids(self, topics):
        return [message["id"] for message in self.history(topics)]

    def own_stats(self):
        answer = self.get(f"/v1/messages?topics=$sys.stats.{self.id}&limit=1")
        assert answer.status == 200, answer
        return [item["id"] for item in answer.json()["items"]]

    def ledger(self):
        """Every hole this node knows of, over all pages."""
        found, after = [], ""
        while True:
            page = self.get(f"/v1/gaps?limit=1000{after}").json()
            found += page["items"]
            if not page.get("next"):
                return found
            after = f"&after={page['next']}"

    def warnings(self, component="mesh"):
        return [record for record in self.records() if record["comp"] == component and record["level"] in ("warn", "error")]


class Fleet:
    """Makes members with a copy each of one key ring, and knows what must hold of them together."""

    member_class = Member

    def __init__(self, directory, config=None):
        self.directory, self.config, self.members, self.ring = directory, config or {}, [], make_ring()

    def make(self, contacts=None, start=True, environment=None, config=None, data=None, ring="ours", **gossip):
        """One more member. Without `contacts` all who run are its contacts."""
        number = len(self.members)
        name = f"n{number + 1}"
        known = [one for one in self.members if one.alive] if contacts is None else contacts
        own = {"cluster": "spec", "join": [one.gossip_address for one in known]}
        if ring:
            path = self.directory / f"ring-{number}.json"
            path.write_text(json.dumps(self.ring if ring == "ours" else ring))
            own["keyring"] = {"file": str(path)}
        merged = {table: dict(content) for table, content in self.config.items()}
        for table, content in {"gossip": {**own, **gossip}, **(config or {})}.items():
            merged[table] = {**merged.get(table, {}), **content}
        member = self.build(self.directory / f"node-{number}", name, merged, environment)
        self.members.append(member)
        if data is not None:
            data.rename(member.data)
        if start:
            member.launch()
            member.wait_ready(60)
        return member

    def build(self, directory, name, config, environment):
        return self.member_class(directory, name, config=config, environment=environment)

    def form(self, size):
        """`size` members that see each other alive, each pair with a link of the mesh where the overlay wants one."""
        for _ in range(size):
            self.make()
        self.remember_contacts()
        self.whole()
        return list(self.members)

    def remember_contacts(self):
        """Each knows all the others by the address they have now, and keeps its own over restarts."""
        addresses = {member.name: member.gossip_address for member in self.members if member.alive}
        for member in self.members:
            if member.name in addresses:
                member.config["gossip"]["listen"] = addresses[member.name]
            member.config["gossip"]["join"] = [at for name, at in addresses.items() if name != member.name]

    @property
    def running(self):
        return [member for member in self.members if member.alive]

    def whole(self, members=None, timeout=60):
        """Waits until each of them sees all of them alive and has a link to somebody."""
        members = members or self.running
        names = {member.name for member in members}
        for member in members:
            eventually(lambda member=member: {name for name, state in member.states().items() if state == "alive"} >= names,
                       timeout, what=f"{member.name} to see {sorted(names)} alive", pause=0.1)
            if len(members) > 1:
                eventually(lambda member=member: member.metric("anode_mesh_links") >= 1, timeout, what="a link", pause=0.1)

    # -- what must hold when all is over -----------------------------------------------------------------------------

    def settle(self, topics, acknowledged=(), timeout=90, whole=True):
        """After the faults: the same histories everywhere, nothing acknowledged lost, every hole told, books balanced.
        `whole=False`: somebody claimed messages that do not exist, which stay missing."""
        members = self.running
        eventually(lambda: self.same(members, topics, whole), timeout, what="the same history on every node", pause=0.3)
        histories = {member.name: member.history(topics) for member in members}
        for name, history in histories.items():
            identities = [message["id"] for message in history]
            assert len(identities) == len(set(identities)), f"{name} has a message twice"
        held = {json.dumps(message["data"]) for message in next(iter(histories.values()))}
        lost = [payload for payload in acknowledged if json.dumps(payload) not in held]
        assert not lost, f"acknowledged and lost: {len(lost)}, such as {lost[:5]}"
        for member in members:
            explain_holes(member, histories[member.name])
        for member in members:
            member.check_after_a_tick()
        return histories[members[0].name]

    @staticmethod
    def same(members, topics, whole):
        if whole and any(member.metric("anode_mesh_missing") for member in members):
            return False
        return len({frozenset(member.ids(topics)) for member in members}) == 1

    def clean_up(self):
        for member in self.members:
            member.clean_up()


def check_after_a_tick(member):
    """A node does its double entry once a second: waits for one that is newer than all that happened, then looks."""
    last = member.own_stats()
    eventually(lambda: member.own_stats() != last, 20, what="fresh statistics", pause=0.1)
    member.check_books()


Member.check_after_a_tick = check_after_a_tick


def runs_of(history):
    """The sequences of each origin, one list for each of its runs: with a new run the numbers begin anew."""
    runs = defaultdict(list)
    for message in sorted(history, key=lambda message: message["id"]):
        sequence, of_origin = sequence_of(message["id"]), runs[message["node"]]
        if not of_origin or of_origin[-1][-1] >= sequence:
            of_origin.append([])
        of_origin[-1].append(sequence)
    return runs


def explain_holes(member, history):
    """Every number that an origin gave and this node does not have is in the node's ledger."""
    holes = [(origin, before + 1, after - 1) for origin, runs in runs_of(history).items() for run in runs
             for before, after in zip(run, run[1:]) if after != before + 1]
    if not holes:
        return
    told = [(gap.get("origin"), int(gap.get("from", 0)), int(gap.get("to", 0))) for gap in member.ledger()]
    for origin, first, last in holes:
        for number in (first, last):
            assert any(origin == of and low <= number <= high for of, low, high in told), \
                f"{member.name}: {origin} {first}…{last} is missing and not in the ledger: {told}"


class Load(threading.Thread):
    """Publishes `[name, number]` to one node, about `rate` a second in small batches, acknowledged with `disk`. What fails is
    tried no more: those numbers are `offered` but not `acknowledged`. It goes on when the node comes back."""

    def __init__(self, member, topic, rate=200, size=0, ack="disk"):
        super().__init__(daemon=True)
        self.member, self.topic, self.rate, self.ack = member, topic, rate, ack
        self.padding = "x" * size
        self.acknowledged, self.offered, self.slowest = [], 0, 0.0
        self.over = threading.Event()
        self.start()

    def run(self):
        batch = max(1, self.rate // 20)
        due = time.monotonic()
        while not self.over.is_set():
            payloads = [self.payload(number) for number in range(self.offered, self.offered + batch)]
            self.offered += batch
            begun = time.monotonic()
            try:
                answer = self.member.post(f"/v1/topics/{self.topic}/messages?ack={self.ack}",
                                          "".join(json.dumps(payload) + "\n" for payload in payloads),
                                          headers={"Content-Type": "application/x-ndjson"}, timeout=10)
                if answer.status == 200 and answer.json()["accepted"] == batch:
                    self.acknowledged += payloads
                    self.slowest = max(self.slowest, time.monotonic() - begun)
                else:
                    self.over.wait(0.1)
            except (OSError, http.client.HTTPException, ValueError):
                self.over.wait(0.1)
            due = max(due + batch / self.rate, time.monotonic() - 1)
            self.over.wait(max(0.0, due - time.monotonic()))

    def payload(self, number):
        return [self.member.name, number, self.padding] if self.padding else [self.member.name, number]

    def finish(self):
        self.over.set()
        self.join(patient(30))
        assert not self.is_alive()
        return self.acknowledged

    def flows(self, more=100, timeout=30):
        """Waits until `more` were acknowledged from now on."""
        mark = len(self.acknowledged)
        eventually(lambda: len(self.acknowledged) >= mark + more, timeout, what=f"load on {self.member.name}")


def finish_all(loads):
    return [payload for load in loads for payload in load.finish()]


def passes(seconds):
    """A fault lasts a while."""
    until = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= until, seconds + 10, pause=0.2)


def in_order(lines):
    """What a listener heard of each origin rises, but for what came late and says so; nothing comes twice."""
    last, seen = {}, set()
    for message in (json.loads(line) for line in lines if not line.startswith(b'{"op"')):
        assert message["id"] not in seen, f"twice: {message}"
        seen.add(message["id"])
        if "late" in message.get("flags", []):
            continue
        assert message["id"] > last.get(message["node"], ""), f"out of order: {message} after {last[message['node']]}"
        last[message["node"]] = message["id"]


def data_of(lines):
    return [json.loads(line)["data"] for line in lines if not line.startswith(b'{"op"')]
