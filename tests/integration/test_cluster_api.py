"""One node asked about another: `?node=` on every path that takes it, writes that are sent on, and answers that name who is missing."""
import json
import signal

import pytest

from anode_node import run_anode
from patience import eventually

READS = ["/v1/config", "/v1/storage", "/v1/gossip", "/v1/mesh", "/v1/listeners"]


def id_of(node):
    return (node.data / "node-id").read_text().strip()


@pytest.fixture
def trio(make_node, tmp_path):
    """Three nodes that are linked to each other."""
    ring, nodes = run_anode("keys", "gen").stdout, []
    for number in range(3):
        path = tmp_path / f"ring-{number}.json"
        path.write_text(ring)
        contacts = [node.get("/v1/gossip").json()["listen"] for node in nodes[:1]]
        nodes.append(make_node(start=False, config={"gossip": {
            "cluster": "api", "join": contacts, "keyring": {"file": str(path)}}}).start())
    for node in nodes:
        eventually(lambda node=node: "anode_mesh_links 2" in node.get("/metrics").text, 60, what=f"the links of {node.name}")
    return nodes


@pytest.mark.parametrize("path", READS)
def test_any_node_answers_for_any_other_and_for_all(trio, path):
    for asked in trio:
        for meant in trio:
            answer = asked.get(f"{path}?node={id_of(meant)}")
            assert answer.status == 200, answer
            assert answer.json().get("node", id_of(meant)) == id_of(meant)
        together = asked.get(f"{path}?node=all")
        assert together.status == 200, together
        assert {item["node"] for item in together.json()["items"]} == {id_of(node) for node in trio}
        assert together.json()["failed"] == []


@pytest.mark.parametrize("path", READS)
def test_a_node_that_nobody_knows_is_not_found(trio, path):
    answer = trio[0].get(f"{path}?node=n-nobody")
    assert (answer.status, answer.json()["code"]) == (404, "not-found")


def test_who_is_dead_is_named_and_the_others_answer(trio):
    gone = id_of(trio[2])
    trio[2].kill()
    eventually(lambda: trio[0].get(f"/v1/nodes/{gone}").json()["state"] == "dead", 30, what="the verdict")
    for path in READS:
        one = trio[0].get(f"{path}?node={gone}")
        assert (one.status, one.json()["code"]) == (502, "peer-failed"), one
        together = trio[0].get(f"{path}?node=all").json()
        assert {item["node"] for item in together["items"]} == {id_of(node) for node in trio[:2]}
        assert together["failed"] == [{"node": gone, "code": "peer-failed"}]
    assert trio[0].post(f"/v1/nodes/{gone}:reload").status == 502


def test_who_does_not_answer_in_time_is_named(trio):
    silent = id_of(trio[2])
    trio[2].signal(signal.SIGSTOP)
    try:
        together = trio[0].get("/v1/storage?node=all", timeout=30).json()
        assert {item["node"] for item in together["items"]} == {id_of(node) for node in trio[:2]}
        assert [part["node"] for part in together["failed"]] == [silent]
        assert together["failed"][0]["code"] in ("peer-timeout", "peer-failed")
    finally:
        trio[2].signal(signal.SIGCONT)


def test_a_write_is_sent_on_to_the_node_that_is_meant(trio):
    asked, meant = trio[0], trio[1]
    done = asked.post(f"/v1/nodes/{id_of(meant)}:drain")
    assert (done.status, done.json()["id"]) == (200, id_of(meant)), done
    eventually(lambda: meant.get("/readyz").status == 503, 10, what="the drain")
    eventually(lambda: asked.get(f"/v1/nodes/{id_of(meant)}").json()["draining"], 10, what="others to see it")
    assert asked.get("/readyz").status == 200
    assert asked.post(f"/v1/nodes/{id_of(meant)}:undrain").status == 200
    eventually(lambda: meant.get("/readyz").status == 200, 10, what="its return")
    assert asked.post("/v1/storage:compact?node=all").status == 422, "only reads go to all"
    assert asked.post(f"/v1/storage:compact?node={id_of(meant)}").status == 200


def test_a_condition_holds_on_every_node_with_the_same_tag(trio):
    body = {"name": "p", "input": "in.a", "output": "out.a", "steps": []}
    made = trio[0].post("/v1/pipelines?wait=cluster", body)
    assert made.status == 201 and "pending" not in made.json(), made
    tags = {node.get("/v1/pipelines/p").headers["ETag"] for node in trio}
    assert tags == {made.headers["ETag"]}
    changed = trio[1].request("PATCH", "/v1/pipelines/p?wait=cluster", {"enabled": False}, headers={"If-Match": tags.pop()})
    assert changed.status == 200, changed
    for node in trio:
        assert node.get("/v1/pipelines/p").headers["ETag"] == changed.headers["ETag"]
        assert node.request("PATCH", "/v1/pipelines/p", {"enabled": True}, headers={"If-Match": made.headers["ETag"]}).status == 412


def test_every_node_shows_the_load_of_every_other(trio):
    for node in trio:
        def shown(node=node):
            items = node.get("/v1/nodes").json()["items"]
            return items if all(item.get("load", {}).get("memory_bytes") and item["links"] == 2 for item in items) else None
        for item in eventually(shown, 15, what=f"all loads on {node.name}"):
            assert item["disk"]["total"] >= item["disk"]["free"] > 0 and item["disk"]["store"] is not None
            assert item["health_score"] >= 0 and item["load"]["cpu"] >= 0
            assert abs(item["clock_offset_ms"]) < 1000


def test_status_shows_the_whole_cluster_from_any_node(trio):
    eventually(lambda: all(item.get("load") for item in trio[2].get("/v1/nodes").json()["items"]), 15, what="all loads")
    table = trio[2].anode("status")
    assert table.returncode == 0, table
    rows = [line.split("\t") for line in table.stdout.splitlines()]
    heading = next(row for row in rows if row[0] == "NODE")
    assert {"STATE", "VERSION", "LIVE/SOURCES", "LISTENERS", "IN/S", "STORE", "CPU", "GOSSIP", "CLOCK MS"} <= set(heading)
    nodes = [row for row in rows if len(row) == len(heading) and row[0] != "NODE"]
    assert {row[1] for row in nodes} == {id_of(node) for node in trio}
    assert all(row[2] == "alive" and "-" not in row for row in nodes), nodes
    document = json.loads(trio[2].anode("status", "-o", "json").stdout)
    assert document["nodes"]["alive"] == 3 and len(document["members"]) == 3
    lines = [json.loads(line) for line in trio[2].anode("status", "-o", "ndjson").stdout.splitlines()]
    assert {line["id"] for line in lines} == {id_of(node) for node in trio}


def test_the_level_nobody_asked_for_is_that_of_the_configuration(trio):
    for level in ("received", "copies:2"):
        trio[0].config["storage"] = {"ack": level}
        trio[0].write_config()
        assert trio[0].post(f"/v1/nodes/{id_of(trio[0])}:reload").status == 200
        taken = trio[0].post("/v1/topics/a.b/messages", "1", headers={"Content-Type": "application/json"})
        assert (taken.status, taken.json()["ack"]) == (200, level), taken
        asked = trio[0].post("/v1/topics/a.b/messages?ack=disk", "1", headers={"Content-Type": "application/json"})
        assert asked.json()["ack"] == "disk"
    trio[0].config["storage"] = {"ack": "copies:9"}
    trio[0].write_config()
    assert trio[0].post(f"/v1/nodes/{id_of(trio[0])}:reload").status == 200
    refused = trio[0].post("/v1/topics/a.b/messages", "1", headers={"Content-Type": "application/json"})
    assert refused.status == 503 and refused.headers["Retry-After"], refused
