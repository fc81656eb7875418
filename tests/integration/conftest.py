"""Fixtures of the tests with real processes. Every test ends with a look at the books of its nodes."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from anode_node import Node  # noqa: E402
from patience import eventually  # noqa: E402


@pytest.fixture
def make_node(tmp_path):
    """Makes nodes. When the test is over, the books of those that still run must balance, and they are ended."""
    made = []

    def make(start=True, **options):
        node = Node(tmp_path / f"node-{len(made)}", f"n{len(made) + 1}", **options)
        made.append(node)
        return node.start() if start else node
    try:
        yield make
        for node in made:
            if node.alive:
                check_after_a_tick(node)
    finally:
        for node in made:
            node.clean_up()


def check_after_a_tick(node):
    """The node does its double entry once a second: waits for one that is newer than all that happened, then looks."""
    last = node.stats()
    eventually(lambda: node.stats() != last, 10, what="fresh statistics")
    node.check_books()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of each node's log under a failed test."""
    report = (yield).get_result()
    if report.failed and call.excinfo is not None:
        for path in sorted(Path(item.funcargs.get("tmp_path", "/nonexistent")).glob("node-*/log.txt")):
            lines = path.read_text(errors="replace").splitlines()[-15:]
            report.sections.append((f"log of {path.parent.name}", "\n".join(line[:400] for line in lines)))
