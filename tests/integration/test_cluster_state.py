"""What all nodes agree on: pipelines, retention and tokens are made, changed and ended on any node, and hold on all."""
import json
import threading
import time

import pytest

from anode_node import run_anode
from listeners import Listener
from patience import eventually

CUT_WITHIN = 10


@pytest.fixture
def make_cluster(make_node, tmp_path):
    """Nodes of one cluster that know each other."""
    def make(size, auth="none"):
        ring = tmp_path / "ring.json"
        ring.write_text(run_anode("keys", "gen").stdout)
        nodes = []
        for index in range(size):
            node = make_node(start=False, config={"auth": {"mode": auth}, "gossip": {
                "cluster": "spec", "join": [node.gossip for node in nodes[:1]], "keyring": {"file": str(ring)}}})
            node.start()
            node.gossip = gossip_address(node)
            nodes.append(node)
        for node in nodes:  # who comes back finds another one whoever it is
            node.config["gossip"]["join"] = [other.gossip for other in nodes if other is not node]
            node.config["gossip"]["listen"] = node.gossip
        linked(nodes)
        return nodes
    return make


def gossip_address(node):
    key = (node.data / "bootstrap-token")
    headers = bearer(key.read_text().strip()) if key.exists() else {}
    return node.get("/v1/gossip", headers=headers).json()["listen"]


def linked(nodes):
    """Every node has a link to each other one."""
    for node in nodes:
        eventually(lambda node=node: "anode_mesh_links %d" % (len(nodes) - 1) in scrape(node), 60, what=f"the links of {node.name}")


def scrape(node):
    key = (node.data / "bootstrap-token")
    return node.get("/metrics", headers=bearer(key.read_text().strip()) if key.exists() else {}).text


@pytest.fixture
def trio(make_cluster):
    return make_cluster(3)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def pipeline(name, output="out.a", **more):
    return {"name": name, "input": "in.a", "output": output, "steps": [], **more}


def everywhere(nodes, path, status=200, within=10):
    """Waits until all nodes answer alike: the documents if there is one, else nothing."""
    def agreed():
        answers = [node.get(path) for node in nodes]
        if any(answer.status != status for answer in answers):
            return None
        return answers if len({answer.headers["ETag"] for answer in answers}) == 1 else None
    return eventually(agreed, within, what=f"{path} to be {status} on all nodes")


def test_a_pipeline_made_anywhere_runs_everywhere_and_ends_everywhere(trio):
    a, b, c = trio
    assert b.post("/v1/pipelines", pipeline("p")).status == 201
    everywhere(trio, "/v1/pipelines/p")
    for node in trio:
        node.publish("in.a", node.name)
        eventually(lambda node=node: any(item["data"] == node.name for item in a.get("/v1/messages?topics=out.a").json()["items"]),
                   what=f"what went through the pipeline of {node.name}")
    items = a.get("/v1/messages?topics=out.a").json()["items"]
    assert sorted(item["data"] for item in items) == ["n1", "n2", "n3"], "a message goes through one node's pipeline"
    assert c.request("DELETE", "/v1/pipelines/p").status == 204
    everywhere(trio, "/v1/pipelines/p", 404)


def test_versions_have_one_tag_on_all_nodes_and_conditions_hold_on_each(trio):
    a, b, c = trio
    made = a.post("/v1/pipelines?wait=cluster", pipeline("p"))
    assert made.status == 201 and "pending" not in made.json()
    assert all(node.get("/v1/pipelines/p").headers["ETag"] == made.headers["ETag"] for node in trio), "no waiting afterwards"
    changed = b.request("PATCH", "/v1/pipelines/p?wait=cluster", {"enabled": False}, headers={"If-Match": made.headers["ETag"]})
    assert changed.status == 200 and changed.json()["version"] == 2
    for node in trio:
        old = {"If-Match": made.headers["ETag"]}
        assert node.request("PUT", "/v1/pipelines/p", pipeline("p"), headers=old).status == 412
        assert node.request("DELETE", "/v1/pipelines/p", headers=old).status == 412
        assert node.request("PUT", "/v1/pipelines/p", pipeline("p"), headers={"If-None-Match": "*"}).status == 409
    assert c.request("DELETE", "/v1/pipelines/p?wait=cluster", headers={"If-Match": changed.headers["ETag"]}).status == 204
    assert all(node.get("/v1/pipelines/p").status == 404 for node in trio)


def test_of_edits_at_once_the_last_one_holds_and_the_lost_ones_can_be_read(trio):
    assert trio[0].post("/v1/pipelines?wait=cluster", pipeline("race")).status == 201

    def edit(node):
        for n in range(10):
            assert node.request("PUT", "/v1/pipelines/race", pipeline("race", f"out.{node.name}-{n}")).status == 200
    threads = [threading.Thread(target=edit, args=(node,)) for node in trio]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    documents = [answer.json() for answer in everywhere(trio, "/v1/pipelines/race")]
    assert len({document["output"] for document in documents}) == 1 and documents[0]["output"].endswith("-9")
    eventually(lambda: len({json.dumps(node.get("/v1/pipelines/race").json()["history"]) for node in trio}) == 1,
               what="one history on all nodes")
    lost = [entry for entry in documents[0]["history"] if entry["lost"]]
    assert lost and all(entry["definition"]["output"].startswith("out.n") and entry["node"].startswith("n-") for entry in lost)


def test_a_rule_of_retention_holds_everywhere(trio):
    assert trio[2].request("PUT", "/v1/retention/short", {"topics": "brief.>", "age": "2h"}).status == 201
    everywhere(trio, "/v1/retention/short")
    assert trio[0].request("PUT", "/v1/retention/short", {"topics": "brief.>", "age": "3h"}).status == 200
    eventually(lambda: all(node.get("/v1/retention/short").json()["age"] == "3h" for node in trio), what="the change")
    assert trio[1].request("DELETE", "/v1/retention/short").status == 204
    everywhere(trio, "/v1/retention/short", 404)


def test_what_changed_while_a_node_was_away_is_there_when_it_is_back(trio):
    a, b, c = trio
    assert a.post("/v1/pipelines", pipeline("stays")).status == 201
    assert a.post("/v1/pipelines", pipeline("goes", "out.b")).status == 201
    everywhere(trio, "/v1/pipelines/goes")
    c.kill()
    assert a.request("PATCH", "/v1/pipelines/stays", {"enabled": False}).status == 200
    assert b.request("DELETE", "/v1/pipelines/goes").status == 204
    assert b.post("/v1/pipelines", pipeline("new", "out.c")).status == 201
    c.start()
    everywhere(trio, "/v1/pipelines/new", within=30)
    everywhere(trio, "/v1/pipelines/goes", 404)
    assert everywhere(trio, "/v1/pipelines/stays")[2].json()["enabled"] is False


def test_who_is_linked_and_does_not_answer_is_pending(trio):
    import signal
    trio[2].signal(signal.SIGSTOP)
    try:
        made = trio[0].post("/v1/pipelines?wait=cluster&timeout=500ms", pipeline("p"))
        assert made.status == 200 and made.json()["name"] == "p"
        assert made.json()["pending"] == [(trio[2].data / "node-id").read_text().strip()]
    finally:
        trio[2].signal(signal.SIGCONT)
    everywhere(trio, "/v1/pipelines/p", within=30)


def test_everything_is_there_after_all_nodes_were_down(trio):
    assert trio[0].post("/v1/pipelines?wait=cluster", pipeline("p")).status == 201
    tag = trio[0].get("/v1/pipelines/p").headers["ETag"]
    for node in trio:
        node.kill()
    for node in trio:
        node.launch()
    for node in trio:
        node.wait_ready(60)
        assert node.get("/v1/pipelines/p").headers["ETag"] == tag


def make_token(node, by, name, roles, **more):
    made = node.post("/v1/tokens?wait=cluster", {"name": name, "roles": roles, **more}, headers=bearer(by))
    assert made.status == 201, made
    return made.json()


@pytest.fixture
def guarded(make_cluster):
    """Two nodes that ask for tokens, and an administrator's."""
    nodes = make_cluster(2, auth="tokens")
    root = make_token(nodes[0], (nodes[0].data / "bootstrap-token").read_text().strip(), "root", ["A"])
    for node in nodes:
        node.root = root["token"]
        node.check_books = lambda: None  # statistics are asked for without a token
        node.stats = lambda: time.monotonic()
    return nodes


def test_a_token_is_good_everywhere_until_it_is_revoked_anywhere(guarded):
    first, second = guarded
    token = make_token(second, second.root, "viewer", ["V"])
    assert first.get("/v1/nodes", headers=bearer(token["token"])).status == 200
    assert first.request("DELETE", f"/v1/tokens/{token['id']}?wait=cluster", headers=bearer(first.root)).status == 204
    for node in guarded:
        assert node.get("/v1/nodes", headers=bearer(token["token"])).status == 401
        assert node.request("DELETE", f"/v1/tokens/{token['id']}", headers=bearer(node.root)).status == 404


def test_a_bootstrap_token_ends_on_every_node_with_the_first_administrator(guarded):
    for node in guarded:
        assert node.get("/v1/nodes", headers=bearer((node.data / "bootstrap-token").read_text().strip())).status == 401


@pytest.mark.parametrize("end", ["revoked", "rotated", "expired"])
def test_streams_of_a_token_that_ends_are_cut_on_every_node(guarded, end):
    first, second = guarded
    more = {"expires": "4s"} if end == "expired" else {}
    token = make_token(first, first.root, "x", ["S"], topics=["a.>"], url_ok=True, **more)
    other = make_token(first, first.root, "x", ["S"], topics=["a.>"], url_ok=True)
    with Listener(second.port, "a.>", token=token["token"]) as ends, Listener(second.port, "a.>", token=other["token"]) as stays:
        if end == "revoked":
            assert first.request("DELETE", f"/v1/tokens/{token['id']}", headers=bearer(first.root)).status == 204
        elif end == "rotated":
            assert first.post(f"/v1/tokens/{token['id']}:rotate", headers=bearer(first.root)).status == 200
        eventually(lambda: ends.ended, CUT_WITHIN, what="the end of the stream")
        assert stays.ended is None, "of another token, though of the same name"


def test_tokens_outlive_their_node(guarded):
    first, second = guarded
    token = make_token(first, first.root, "viewer", ["V"])
    first.kill()
    assert second.get("/v1/nodes", headers=bearer(token["token"])).status == 200
