"""Disks that come and go with their nodes: wiped, empty and late, copied and started twice."""
import json
import os
import random
import shutil
import time

import pytest

from fleet import Load, data_of, finish_all, passes
from patience import eventually


def test_a_node_whose_disk_was_wiped_comes_back_as_another_and_has_the_whole_history(fleet):
    members = fleet.form(3)
    loads = [Load(member, f"wiped.{member.name}", 150, size=200) for member in members]
    for load in loads:
        load.flows(400)
    victim = members[2]
    before = victim.id
    # What only the lost disk had cannot come back: its own load rests, and the others have all of it.
    acknowledged = loads[2].finish()
    eventually(lambda: set(victim.ids("wiped.n3")) <= set(members[0].ids("wiped.n3")), 30, what="its messages at another node")
    victim.kill()
    shutil.rmtree(victim.data)
    victim.launch()
    victim.wait_ready(60)
    assert victim.id != before
    fleet.whole()
    loads[0].flows(50)
    history = fleet.settle("wiped.>", acknowledged + finish_all(loads[:2]))
    assert {message["node"] for message in history} >= {before}, "also what the old self had said"
    with victim.listen("wiped.>", from_="earliest") as listener:
        eventually(lambda: len({json.loads(line)["id"] for line in list(listener.lines) if b'"op"' not in line[:8]}) >= len(history),
                   60, what="the whole history at a listener", pause=0.2)


def fill(member, megabytes):
    """Messages that do not compress, a quarter of a megabyte in each."""
    draw = random.Random(1)
    for _ in range(megabytes):
        member.publish_lines("bulk.x", [draw.randbytes(1 << 17).hex() for _ in range(4)])


def joins_late(fleet, megabytes):
    """A node joins a cluster that has much to tell, while others talk."""
    a, b = fleet.form(2)
    fill(a, megabytes)
    load = Load(b, "live.x", 50)
    load.flows(50)
    late = fleet.make()
    delays = []
    with late.listen("live.mark") as listener:
        number = 0
        until = time.monotonic() + 900
        while time.monotonic() < until:
            begun = time.monotonic()
            a.publish("live.mark", number)
            eventually(lambda: number in data_of(list(listener.lines)), 20, what="a live message at the late node")
            delays.append(time.monotonic() - begun)
            number += 1
            if len(delays) >= 10 and late.metric("anode_mesh_missing") == 0:
                break
            passes(0.2)
        assert data_of(list(listener.lines)) == list(range(number)), "once and in order"
    delays.sort()
    assert delays[len(delays) // 2] < 2, "live messages do not wait for history"
    load.flows(50)
    acknowledged = load.finish()
    fleet.whole()
    fleet.settle("live.>", acknowledged)
    eventually(lambda: len(late.ids("bulk.x")) == 4 * megabytes, 60, what="the whole history", pause=1)
    assert late.ids("bulk.x") == a.ids("bulk.x")
    print(f"{megabytes} MB, {len(delays)} live messages, median {delays[len(delays) // 2] * 1000:.0f} ms, worst {delays[-1] * 1000:.0f} ms")


def test_a_late_node_gets_much_history_while_live_messages_do_not_wait(fleet):
    joins_late(fleet, int(os.environ.get("ANODE_LATE_MEGABYTES", "60")))


@pytest.mark.soak
def test_a_late_node_gets_a_gigabyte_while_live_messages_do_not_wait(fleet):
    joins_late(fleet, 1000)


def test_a_copied_data_directory_that_is_started_twice_is_told_of_and_loses_nothing(fleet):
    members = fleet.form(3)
    loads = [Load(member, f"clone.{member.name}", 80) for member in members[:2]]
    for load in loads:
        load.flows(50)
    members[2].publish_lines("clone.n3", [["n3", number] for number in range(50)])
    acknowledged = [["n3", number] for number in range(50)]
    assert members[2].stop() == 0
    copy = members[2].directory / "copy"
    shutil.copytree(members[2].data, copy)
    members[2].launch()
    members[2].wait_ready(60)
    fleet.whole()
    twin = fleet.make(start=False, data=copy, contacts=[members[0]])
    twin.launch()

    for member in (members[0], members[1]):
        eventually(lambda member=member: [record for record in member.warnings("gossip") if "copied data directory" in record["msg"]],
                   20, what="a word about the second one", pause=0.2)
    passes(5)
    for load in loads:
        load.flows(50)
    twin.clean_up()
    members[2].clean_up()
    members[2].launch()
    members[2].wait_ready(60)
    fleet.whole(timeout=90)
    fleet.settle("clone.>", acknowledged + finish_all(loads))
