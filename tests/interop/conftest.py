"""Fixtures of the mixed clusters: real processes of ours, of memberlist and of Serf on loopback."""
import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import peers  # noqa: E402
from member import QUICK, Member  # noqa: E402


@functools.cache
def program(kind):
    """Of a kind of member: `anode` or `go`. Skips where a foreign one cannot be had."""
    try:
        return peers.own() if kind == "anode" else peers.memberlist()
    except peers.Absent as why:
        pytest.skip(str(why))


@functools.cache
def serf_program(version):
    try:
        return peers.serf(version)
    except peers.Absent as why:
        pytest.skip(str(why))


@pytest.fixture
def make(tmp_path):
    """Makes members: make("go", "g1", "-key", KEY). They end with the test."""
    made = []

    def member(kind, name, *flags, timing=QUICK, **more):
        made.append(Member(program(kind), name, *timing, *flags, log=tmp_path / f"{len(made)}-{name}.log", **more))
        return made[-1]
    yield member
    for one in made:
        one.end()


@pytest.fixture
def cluster(make):
    """A cluster whose names tell the kind: a… is ours, f… ours with the fast profile, g… is Go's. All join the first and know
    each other."""
    kinds = {"a": ("anode",), "f": ("anode", "-fast=on"), "g": ("go",)}

    def together(names, *flags, **more):
        members = [make(kinds[name[0]][0], name, *kinds[name[0]][1:], *flags, **more) for name in names.split()]
        for one in members[1:]:
            one.join(members[0])
        everyone_knows(members)
        return members
    return together


def everyone_knows(members):
    """Until each has told that it sees each other one."""
    for one in members:
        for other in members:
            if other is not one:
                one.wait("join", node=other.name)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of each member's log under a failed test."""
    report = (yield).get_result()
    if report.failed and call.excinfo is not None:
        for path in sorted(Path(item.funcargs.get("tmp_path", "/nonexistent")).glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-12:]
            report.sections.append((f"log of {path.stem}", "\n".join(line[:300] for line in lines)))
