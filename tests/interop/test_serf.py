"""Real Serf clusters: a new agent and an old one, which stands on memberlist 0.2.2 and its old codec. Appendix A."""
import base64

import pytest

import peers
from conftest import everyone_knows, serf_program
from member import CALM
from patience import eventually
from serf import Agent

KEY = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo="
SERF_WIRE = {"clear": ((), ()), "key": (("-key", KEY), (f"-encrypt={KEY}",))}
VERSIONS = ("-delegate-versions", "2,5,4")


@pytest.fixture
def agent(tmp_path):
    made = []

    def start(version, name, *flags):
        made.append(Agent(serf_program(version), name, *flags, log=tmp_path / f"serf-{name}.log"))
        return made[-1]
    yield start
    for one in made:
        one.end()


def sees(agent, **states):
    eventually(lambda: {**agent.members(), **states} == agent.members(), 30, f"{states} at {agent.name}", pause=0.1)


@pytest.mark.parametrize("ours_flags, serf_flags", SERF_WIRE.values(), ids=SERF_WIRE.keys())
@pytest.mark.parametrize("version", [peers.SERF_NEW, peers.SERF_OLD], ids=["new", "old"])
@pytest.mark.parametrize("direction", ["serf joins", "ours joins"])
def test_a_serf_cluster_takes_us_as_a_member(make, agent, version, direction, ours_flags, serf_flags):
    """Row 32: with Serf's delegate versions both directions work, Serf shows us alive, then failed after a plain leave."""
    ours = make("anode", "ours", *VERSIONS, *ours_flags, timing=CALM)
    serf = agent(version, "serf", *serf_flags)
    if direction == "ours joins":
        ours.join(serf)
    else:
        joined = serf.command("join", ours.addr)
        assert joined.returncode == 0, joined.stderr
    ours.wait("join", node="serf")
    sees(serf, ours="alive", serf="alive")
    assert ours.view()["serf"]["meta_base64"].startswith("/4"), "its tags begin with the byte FF"
    assert ours.view()["serf"]["delegate"][:2] == [2, 5]

    mark = ours.mark()
    assert serf.command("event", "deploy", "payload1").returncode == 0
    event = ours.wait("message", since=mark, payload_base64=lambda text: text.startswith("A4"))  # 03, then a map of four
    assert b"payload1" in bytes_of(event) and b"deploy" in bytes_of(event)
    for _ in range(2):
        ours.wait("ping", timeout=30, since=ours.mark(), node="serf")
    assert ours.ask("stats")["health_score"] == 0
    assert serf.complaints() == []
    assert not ours.find("leave", node="serf")

    ours.ask("leave")
    sees(serf, ours="failed")


def bytes_of(event):
    return base64.b64decode(event["payload_base64"])


@pytest.mark.parametrize("version", [peers.SERF_NEW, peers.SERF_OLD], ids=["new", "old"])
def test_old_and_new_serf_and_both_kinds_of_plain_members_form_one_cluster(make, agent, version):
    other = peers.SERF_OLD if version == peers.SERF_NEW else peers.SERF_NEW
    first, second = agent(version, "s1"), agent(other, "s2")
    ours, theirs, last = (make(kind, name, *VERSIONS, timing=CALM) for kind, name in (("anode", "a1"), ("go", "g1"), ("anode", "a2")))
    ours.join(first)
    theirs.join(ours)
    assert second.command("join", theirs.addr).returncode == 0
    last.join(second)
    everyone_knows([ours, theirs, last])
    for serf in (first, second):
        sees(serf, s1="alive", s2="alive", a1="alive", g1="alive", a2="alive")
    for one in (ours, last):
        eventually(lambda: one.names() == ["a1", "a2", "g1", "s1", "s2"], 30, f"view of {one.name}")
    theirs.kill()
    for one in (ours, last):
        one.wait("leave", timeout=40, node="g1")
    first.process.terminate()  # an agent that is told to end leaves nothing behind but its silence
    for one in (ours, last):
        one.wait("leave", timeout=40, node="s1")


@pytest.mark.parametrize("direction", ["serf joins", "ours joins"])
def test_plain_delegate_versions_are_refused_by_serf_and_serf_by_us(make, agent, direction):
    ours, serf = make("anode", "ours", "-delegate-versions", "0,0,0"), agent(peers.SERF_NEW, "serf")
    if direction == "ours joins":
        ours.ask("join", expect=False, contacts=[serf.addr])
    else:
        serf.command("join", ours.addr)
    assert ours.names() == ["ours"]
    assert set(serf.members()) == {"serf"}


def test_versions_of_serf_are_refused_by_plain_members(make):
    ours, theirs = make("anode", "ours", *VERSIONS), make("go", "plain")
    ours.ask("join", expect=False, contacts=[theirs.addr])
    theirs.ask("join", expect=False, contacts=[ours.addr])
    assert ours.names() == ["ours"] and theirs.names() == ["plain"]


def test_goodbyes_of_serf_members_are_understood(make, agent):
    ours = make("anode", "ours", *VERSIONS, timing=CALM)
    leaver, stayer = agent(peers.SERF_NEW, "leaver"), agent(peers.SERF_NEW, "stayer")
    ours.join(leaver)
    ours.join(stayer)
    sees(leaver, stayer="alive", ours="alive")
    assert leaver.command("leave").returncode == 0
    ours.wait("leave", timeout=30, node="leaver")
    sees(stayer, leaver="left", ours="alive")
