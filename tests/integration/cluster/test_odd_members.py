"""Members that are not like the others: a clock an hour ahead, a foreign program, a wrong key, a wrong name."""
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from anode_node import die_with_us
from fleet import Load, finish_all, make_ring, passes
from patience import eventually

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
FOREIGN = Path(__file__).resolve().parents[3] / "build" / "peers" / "memberlist-peer"


def millis_of(identity):
    """The milliseconds of a message's stamp, as its id says."""
    from fleet import DIGITS
    number = 0
    for digit in identity:
        number = number * 32 + DIGITS[digit]
    return number >> 80


@pytest.mark.skipif(not FAKETIME.exists(), reason="faketime is absent")
def test_a_clock_one_hour_ahead_spoils_neither_order_nor_the_others_clocks(fleet):
    a, b = fleet.form(2)
    ahead = fleet.make(environment={"LD_PRELOAD": str(FAKETIME), "FAKETIME": "+1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    fleet.remember_contacts()
    fleet.whole()
    loads = [Load(member, f"clock.{member.name}", 80) for member in (a, b, ahead)]
    with a.listen("clock.n3") as listener:
        for load in loads:
            load.flows(100)
        eventually(lambda: listener.count > 50, what="messages of the node with the wrong clock")
    for member in (a, b):
        eventually(lambda member=member: [record for record in member.warnings() if "clock" in record["msg"]], 30,
                   what="a warning about the clock")
        offset = eventually(lambda member=member: member.metric("anode_clock_offset_seconds", peer=ahead.id), what="the offset")
        assert 3500 < abs(offset) < 3700, offset
    for member in (a, b):
        off = millis_of(member.publish("clock.own", [member.name, -1])) / 1000 - time.time()
        assert abs(off) < 60, f"our stamps stay with our clock: {off} s"
    acknowledged = finish_all(loads)
    history = fleet.settle("clock.>", acknowledged)
    for name in ("n1", "n2", "n3"):
        numbers = [message["data"][1] for message in history if message["topic"] == f"clock.{name}"]
        assert numbers == sorted(numbers), "the order of an origin is kept"


@pytest.mark.skipif(not FOREIGN.exists(), reason="memberlist-peer is not built: tests/interop/run.py builds it")
def test_a_foreign_member_among_us_takes_part_in_membership_and_disturbs_nothing(fleet, tmp_path):
    members = fleet.form(3)
    loads = [Load(member, f"foreign.{member.name}", 60) for member in members]
    program = subprocess.Popen(
        [FOREIGN, "-name", "go1", "-bind", "127.0.0.1", "-port", "0", "-preset", "local", "-label", "spec", "-key", fleet.ring["keys"][0],
         "-join", members[0].gossip_address],
        stdin=subprocess.PIPE, stdout=open(tmp_path / "go1.out", "wb"), stderr=open(tmp_path / "go1.err", "wb"), preexec_fn=die_with_us)
    try:
        for member in members:
            eventually(lambda member=member: member.states().get("go1") == "alive", 40, what="the foreign member")
        victim = members[2]
        victim.kill()
        for load in loads[:2]:
            load.flows(60)
        victim.launch()
        victim.wait_ready(60)
        fleet.whole()
        answer = members[0].post("/v1/topics/foreign.copies/messages?ack=copies:3", json.dumps(["copies", 0]),
                                 headers={"Content-Type": "application/json"})
        assert answer.status == 200, "a member without a mesh is not waited for"
        kinds = {item["name"]: item["kind"] for item in members[0].get("/v1/nodes").json()["items"]}
        assert kinds["go1"] != "node", kinds
        fleet.settle("foreign.>", finish_all(loads))
    finally:
        program.kill()
        program.wait()
    for member in members:
        eventually(lambda member=member: member.states().get("go1") != "alive", 40, what="its death")
    fleet.settle("foreign.>")


def test_wrong_key_and_wrong_name_get_nothing_of_our_messages_and_give_none(fleet):
    members = fleet.form(3)
    loads = [Load(member, f"inside.{member.name}", 60) for member in members]
    strangers = [fleet.make(contacts=members, start=False, ring=make_ring()), fleet.make(contacts=members, start=False, cluster="another")]
    for stranger in strangers:
        stranger.launch()
        eventually(lambda stranger=stranger: any(record["msg"] == "ready" for record in stranger.records()), what="a start")
        stranger._ready()
        stranger.publish("inside.stranger", ["stranger", stranger.name])
    passes(6)
    for load in loads:
        load.flows(50)
    for stranger in strangers:
        assert [message["data"] for message in stranger.history("inside.>")] == [["stranger", stranger.name]]
        assert stranger.metric("anode_mesh_links") == 0
        stranger.clean_up()
    acknowledged = finish_all(loads)
    history = fleet.settle("inside.>", acknowledged)
    assert not [message for message in history if message["topic"] == "inside.stranger"]
    for member in members:
        assert {name for name, state in member.states().items() if state == "alive"} == {"n1", "n2", "n3"}
