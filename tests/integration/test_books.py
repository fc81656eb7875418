"""The books themselves: what is counted is counted once, and a source keeps its counters over all that is done to it."""
import json

from listeners import Listener
from patience import eventually

TICKS = {"name": "ticks", "type": "test", "topic": "t.{key}", "rate": "200/s", "keys": 3, "shape": "counter"}


def taken(node):
    return node.metric("anode_ingest_messages_total", source="ticks")


def test_a_source_keeps_its_series_and_their_values_over_restarts_and_changes(make_node):
    node = make_node()
    node.add_source(TICKS)
    eventually(lambda: taken(node) > 50, what="messages counted")
    own = {name.split("{")[0] for name in node.metrics() if 'source="ticks"' in name}
    assert {"anode_source_state", "anode_source_reconnects_total", "anode_ingest_lag_seconds_count"} <= own

    def change(what, do):
        before = taken(node)
        assert do().status == 200, what
        eventually(lambda: taken(node) > before, what=f"counting after {what} (was {before})")
        now = {name.split("{")[0] for name in node.metrics() if 'source="ticks"' in name}
        assert own <= now, f"{own - now} vanished with {what}"
    change("a restart", lambda: node.post("/v1/sources/ticks:restart"))
    change("a patch", lambda: node.request("PATCH", "/v1/sources/ticks", json.dumps({"rate": "150/s"}),
                                           headers={"Content-Type": "application/merge-patch+json"}))
    assert node.post("/v1/sources/ticks:disable").status == 200
    change("an enabling", lambda: node.post("/v1/sources/ticks:enable"))

    assert node.request("DELETE", "/v1/sources/ticks").status in (200, 204)
    eventually(lambda: not any('source="ticks"' in name for name in node.metrics()), what="the series gone with the source")


def states(node):
    """The states that the metrics show for the source now."""
    return [name for name, value in node.metrics().items() if name.startswith('anode_source_state{') and 'source="ticks"' in name and value]


def test_a_source_shows_one_state_and_its_series_also_when_its_former_self_has_gone(make_node):
    node = make_node()
    node.add_source(TICKS)
    eventually(lambda: node.source("ticks")["state"] == "live", what="live")
    before = taken(node)
    body = json.dumps({"rate": "150/s"})
    assert node.request("PATCH", "/v1/sources/ticks", body, headers={"Content-Type": "application/merge-patch+json"}).status == 200
    old = eventually(lambda: taken(node) > before + 600 and taken(node), 20, what="four seconds of counting")
    assert len(states(node)) == 1 and 'state="live"' in states(node)[0], states(node)
    assert node.metric("anode_ingest_lag_seconds_count", source="ticks") >= 0
    assert node.post("/v1/sources/ticks:disable").status == 200
    eventually(lambda: len(states(node)) == 1 and 'state="disabled"' in states(node)[0], what="disabled alone")
    assert taken(node) >= old, "what was counted stays counted"


def test_published_messages_are_counted_once_whatever_becomes_of_them(make_node):
    node = make_node()
    with Listener(node.port, "a.>") as listener:
        node.publish_lines("a.b", [{"n": n} for n in range(100)])
        bad = node.post("/v1/topics/a.b/messages", '{"n":1}\n{"n":\n[3]\n', headers={"Content-Type": "application/x-ndjson"})
        assert (bad.json()["accepted"], [r["line"] for r in bad.json()["rejected"]]) == (2, [2]), bad
        headers = {"Content-Type": "application/json", "Idempotency-Key": "k-1"}
        first = node.post("/v1/topics/a.b/messages", "4", headers=headers)
        again = node.post("/v1/topics/a.b/messages", "4", headers=headers)
        assert first.json()["last"] == again.json()["last"]
        assert node.post("/v1/topics/a.b/messages", "5", headers=headers).json()["code"] == "key-reused"
        node.publish("a.end", 0)
        eventually(lambda: listener.lines and b'"a.end"' in listener.lines[-1])
        assert len(listener.lines) == 100 + 2 + 1 + 1
    assert node.metric("anode_ingest_messages_total", source="api") == 104
    stats = eventually(lambda: (s := node.stats()) and s["received"] >= 105 and s, what="fresh statistics")
    assert stats["received"] == 104 + stats["rejected"] + stats["duplicates"] + stats["dropped"], stats
