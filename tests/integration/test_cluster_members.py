"""Several real nodes on loopback: they find each other through one contact, and everybody knows who died and who left."""
import json
import signal

import pytest

from anode_node import run_anode
from patience import eventually, stays

OTHER_RING = {"keys": ["Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="], "primary": 0}


def make_ring():
    return json.loads(run_anode("keys", "gen").stdout)


@pytest.fixture
def make_member(make_node, tmp_path):
    """Nodes of the cluster `spec`, with a copy each of one key ring."""
    ring, made = make_ring(), []

    def make(contacts=(), ring=ring, ready=True, **gossip):
        path = tmp_path / f"ring-{len(made)}.json"
        path.write_text(json.dumps(ring))
        node = make_node(start=False, config={"gossip": {
            "cluster": "spec", "join": [address_of(contact) for contact in contacts], "keyring": {"file": str(path)}, **gossip}})
        node.ring_file = path
        made.append(node)
        if ready:
            return node.start()
        node.launch()
        eventually(lambda: any(record["msg"] == "ready" for record in node.records()), what="a start")
        node._ready()
        return node
    return make


def address_of(node):
    return node.get("/v1/gossip").json()["listen"]


def nodes_of(node):
    return {item["id"]: item for item in node.get("/v1/nodes").json()["items"]}


def id_of(node):
    return (node.data / "node-id").read_text().strip()


def states(node):
    """The state of each member, by name."""
    return {item["name"]: item["state"] for item in nodes_of(node).values()}


def see(nodes, expected, timeout=30):
    for node in nodes:
        eventually(lambda node=node: states(node) == expected, timeout, what=f"{node.name} to see {expected}")


@pytest.fixture
def trio(make_member):
    first = make_member()
    nodes = [first, make_member([first]), make_member([first])]
    see(nodes, {"n1": "alive", "n2": "alive", "n3": "alive"})
    return nodes


def events(node, kind="member"):
    """What this node has told of the others; what others told may have come through the mesh."""
    items = node.get(f"/v1/events?kind={kind}&limit=1000").json()["items"]
    return [item for item in items if item["node"] == id_of(node)]


def fingerprints(node):
    """The keys of each node, primary first, as one node learns them."""
    document = node.get("/v1/gossip/keys").json()
    assert document["complete"], document
    return {item["id"]: item["keys"] for item in document["items"]}


def test_three_nodes_join_by_one_contact_and_each_shows_all(trio):
    for node in trio:
        shown = nodes_of(node)
        assert set(shown) == {id_of(other) for other in trio}
        for item in shown.values():
            assert item["kind"] == "node" and item["version"] and item["incarnation"] > 1, item
        for other in trio:
            assert shown[id_of(other)]["url"] == other.url, "where its API answers"
            assert shown[id_of(other)]["self"] == (other is node)
        assert node.get(f"/v1/nodes/{id_of(trio[0])}").json()["name"] == "n1"
        cluster = node.get("/v1/cluster").json()
        assert cluster["nodes"]["alive"] == 3 and cluster["encrypted"] is True and cluster["state"] == "joined"
        eventually(lambda node=node: node.metric("anode_gossip_members", state="alive") == 3, what="the metric")
        assert {event["name"] for event in events(node) if event["change"] == "joined"} >= {"n1", "n2", "n3"} - {node.name}
    eventually(lambda: all(item["rtt_ms"] for item in nodes_of(trio[0]).values() if not item["self"]), what="round trips")


def test_who_is_killed_is_dead_for_all_and_may_be_forgotten(trio):
    killed, *others = trio[2], trio[0], trio[1]
    killed.kill()
    see(others, {"n1": "alive", "n2": "alive", "n3": "dead"})
    gone = id_of(killed)
    for node in others:
        died = [event for event in events(node) if event["id"] == gone and event["change"] == "died"]
        assert len(died) == 1 and died[0]["state"] == "dead", died
    alive = others[0].post("/v1/cluster:forget", {"id": id_of(others[1])})
    assert (alive.status, alive.json()["code"]) == (409, "conflict")
    done = others[0].anode("cluster", "forget", gone)
    assert done.returncode == 0, done
    see(others, {"n1": "alive", "n2": "alive"})
    assert others[0].anode("cluster", "forget", "n-nobody").returncode == 3


def test_who_ends_properly_has_left_and_comes_back_at_once(trio):
    assert trio[2].stop() == 0
    see(trio[:2], {"n1": "alive", "n2": "alive", "n3": "left"})
    trio[2].start()
    see(trio, {"n1": "alive", "n2": "alive", "n3": "alive"})


def test_who_was_killed_comes_back_as_the_same_node(trio):
    before = id_of(trio[1])
    trio[1].kill()
    see([trio[0]], {"n1": "alive", "n2": "dead", "n3": "alive"})
    trio[1].start()
    see(trio, {"n1": "alive", "n2": "alive", "n3": "alive"})
    assert id_of(trio[1]) == before


def test_a_node_leaves_by_command_and_goes_on_alone(trio):
    done = trio[0].anode("cluster", "leave")
    assert done.returncode == 0, done
    see(trio[1:], {"n1": "left", "n2": "alive", "n3": "alive"})
    trio[0].publish("still.here", 1)
    assert trio[0].anode("cluster", "leave").returncode == 6
    assert trio[0].anode("cluster", "join", address_of(trio[1])).returncode == 6


def test_the_command_line_shows_nodes_and_keys(trio):
    table = trio[0].anode("nodes")
    assert table.returncode == 0
    rows = [line.split("\t") for line in table.stdout.splitlines()]
    assert [row[:3] for row in rows] == [[id_, item["name"], "alive"] for id_, item in sorted(nodes_of(trio[0]).items())]
    assert json.loads(trio[0].anode("nodes", "-o", "json").stdout)["items"]
    assert trio[0].anode("nodes", id_of(trio[1])).returncode == 0
    assert trio[0].anode("nodes", "n-nobody").returncode == 3
    keys = trio[0].anode("keys", "list")
    assert keys.returncode == 0 and len(keys.stdout.splitlines()) == 3, keys


def test_a_key_is_rotated_through_any_node_and_kept_in_every_file(trio):
    old = fingerprints(trio[0])[id_of(trio[0])][0]
    installed = trio[1].post("/v1/gossip/keys:install")
    assert installed.status == 200, installed
    new = installed.json()["fingerprint"]
    assert set(map(tuple, fingerprints(trio[2]).values())) == {(old, new)}
    refused = trio[0].post("/v1/gossip/keys:remove", {"fingerprint": old})
    assert (refused.status, refused.json()["code"]) == (409, "conflict")
    assert trio[0].anode("keys", "use", new).returncode == 0
    assert set(map(tuple, fingerprints(trio[1]).values())) == {(new, old)}
    eventually(lambda: trio[2].post("/v1/gossip/keys:remove", {"fingerprint": old}).status == 200, what="the old key to go")
    assert set(map(tuple, fingerprints(trio[0]).values())) == {(new,)}
    see(trio, {"n1": "alive", "n2": "alive", "n3": "alive"})
    rings = lambda: [json.loads(node.ring_file.read_text())["keys"] for node in trio]  # noqa: E731
    eventually(lambda: rings()[0] == rings()[1] == rings()[2] and len(rings()[0]) == 1, what="the new ring in every file")
    assert all(node.ring_file.stat().st_mode & 0o777 == 0o600 for node in trio)
    for node in trio:
        assert node.metric("anode_gossip_decrypt_errors_total") == 0
    trio[2].stop()
    trio[2].start()
    see(trio, {"n1": "alive", "n2": "alive", "n3": "alive"})


def test_a_key_round_says_who_does_not_answer(trio):
    trio[2].signal(signal.SIGSTOP)
    answer = trio[0].post("/v1/gossip/keys:install", timeout=40)
    trio[2].signal(signal.SIGCONT)
    assert answer.status in (409, 504), answer
    assert id_of(trio[2]) in answer.text


@pytest.mark.parametrize("stranger", [{"ring": OTHER_RING}, {"cluster": "another"}], ids=["another key", "another cluster"])
def test_a_stranger_stays_outside_and_is_told_of_once(make_member, stranger):
    first = make_member()
    second = make_member([first])
    outside = make_member([first], ready=False, **stranger)
    everybody = (first, second, outside)

    def complaints():
        return [record for node in everybody for record in node.records()
                if record["level"] in ("warn", "error") and record["comp"] == "gossip"]
    eventually(complaints, what="a warning")
    stays(lambda: states(first) == {"n1": "alive", "n2": "alive"}, 3)
    assert set(states(outside)) == {"n3"}
    assert outside.get("/readyz").status == 503, "who has contacts is ready when it has joined"
    for node in everybody:
        assert len([record for record in complaints() if record in node.records()]) <= 3, complaints()
    assert any(word in json.dumps(complaints()).lower() for word in ("key", "decrypt", "another"))


def test_a_node_joins_contacts_it_is_told_later(make_member):
    first, second = make_member(), make_member()
    assert states(first) == {"n1": "alive"}
    done = first.anode("cluster", "join", address_of(second))
    assert done.returncode == 0, done
    see([first, second], {"n1": "alive", "n2": "alive"})


def test_a_taken_port_is_named_if_it_was_chosen_and_avoided_if_it_was_not(make_member, make_node):
    first = make_member()
    taken = make_node(start=False, config={"gossip": {"listen": address_of(first)}})
    taken.launch()
    assert taken.wait_exit() == 1
    assert "gossip.listen" in taken.tail() and address_of(first) in taken.tail()
    by_default = [make_node(start=False), make_node(start=False)]
    for node in by_default:
        del node.config["gossip"]["listen"]
        node.start()
    assert address_of(by_default[0]) != address_of(by_default[1])


def test_clear_text_on_an_open_address_is_refused(tmp_path):
    done = run_anode("run", "--check", "--set", "gossip.listen=0.0.0.0:7946", cwd=tmp_path)
    assert done.returncode == 78 and "gossip.listen" in done.stderr and "insecure" in done.stderr
    allowed = run_anode("run", "--check", "--set", "gossip.listen=0.0.0.0:7946", "--set", "gossip.insecure=true", cwd=tmp_path)
    assert allowed.returncode == 0, allowed
