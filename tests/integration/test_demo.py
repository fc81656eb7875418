"""`anode demo --offline`: what a newcomer sees within the first minute."""
import json

import pytest

from anode_node import Node
from conftest import check_after_a_tick
from listeners import KINDS
from patience import eventually


@pytest.fixture
def demo(tmp_path):
    """A demo node. Its configuration is its own but for ports and directories."""
    node = Node(tmp_path / "node-demo", "demo", demo=True)
    node.config = {"node": {"data_dir": str(node.data)}, "log": {"format": "json"},
                   "http": {"listen": ["127.0.0.1:0"], "socket": str(node.directory / "anode.sock")}}
    try:
        yield node.start(60)
        if node.alive:
            check_after_a_tick(node)
    finally:
        node.clean_up()


def test_more_than_a_hundred_sources_are_live_within_a_minute_and_data_flows_on_all_transports(demo):
    def live():
        found = demo.sources()
        return len(found) >= 120 and sum(s["state"] == "live" for s in found) >= 115
    eventually(live, 60, what="115 live sources", pause=0.25)
    sources = demo.sources()
    assert {s["type"] for s in sources} >= {"websocket", "rest", "sse"}, {s["type"] for s in sources}

    listeners = {kind: make(demo.port, ">") for kind, make in KINDS.items()}
    try:
        for kind, listener in listeners.items():
            eventually(lambda: listener.count >= 500, 30, what=f"messages over {kind}")
        came = [json.loads(line) for line in listeners["ws"].lines[:500]]
        assert len({message["src"] for message in came}) > 20, "many sources at once"
        assert all("data" in message or "b64" in message for message in came if "op" not in message)
    finally:
        for listener in listeners.values():
            listener.close()

    table = demo.anode("status")
    assert table.returncode == 0 and table.stdout, table
    assert demo.get("/readyz").status == 200
    failed = [(s["name"], s["last_error"]) for s in demo.sources() if s["state"] == "failed"]
    assert failed == []


def test_the_demo_ends_with_0_when_it_is_asked_to(demo):
    assert demo.stop() == 0
