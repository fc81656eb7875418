"""`./dev cluster`: several nodes on one machine with the demo's feeds, as somebody tries them for the first time."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from anode_node import binary, die_with_us, run_anode
from patience import eventually, patient

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "cluster"


def free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports():
    """A first port at which three nodes find all of theirs free."""
    while True:
        first = random.randrange(20_000, 30_000)
        if all(free(first + 10 * node + port) for node in range(3) for port in range(3)):
            return first


class Cluster:
    """The running script."""

    def __init__(self, folder, first):
        self.first, self.output = first, folder.parent / "output.txt"
        with self.output.open("a", encoding="utf-8") as output:
            self.process = subprocess.Popen([SCRIPT, binary(), folder, "3"], stdout=output, stderr=subprocess.STDOUT,
                                            preexec_fn=die_with_us, env={**os.environ, "ANODE_PORT": str(first)})

    def said(self):
        return self.output.read_text(encoding="utf-8")

    def url(self, node):
        return f"http://127.0.0.1:{self.first + 10 * (node - 1)}"

    def items(self, node, path):
        with urllib.request.urlopen(self.url(node) + path, timeout=patient(5)) as answer:
            return json.load(answer)["items"]

    def states(self, node):
        return {item["name"]: item["state"] for item in self.items(node, "/v1/nodes")}

    def wait_until_it_stands(self):
        eventually(lambda: "Ctrl-C" in self.said() or self.process.poll() is not None, 90, "the cluster to stand")
        assert self.process.poll() is None, self.said()


@pytest.fixture
def cluster(tmp_path):
    running = Cluster(tmp_path / "cluster", free_ports())
    try:
        running.wait_until_it_stands()
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
        running.process.wait(patient(60))


def test_three_nodes_stand_feed_each_other_lose_one_and_end_together(cluster, tmp_path):
    for node in (1, 2, 3):
        eventually(lambda node=node: cluster.states(node) == {"n1": "alive", "n2": "alive", "n3": "alive"}, 30, "three nodes")
    ring = (tmp_path / "cluster" / "n3" / "keyring.json")
    assert ring.stat().st_mode & 0o077 == 0, "a key ring is nobody else's"
    assert run_anode("--url", cluster.url(1), "pub", "home.kitchen", '{"t":21.5}').returncode == 0
    eventually(lambda: '"t":21.5' in run_anode("--url", cluster.url(3), "get", "home.kitchen").stdout, 10, "the message elsewhere")
    eventually(lambda: cluster.items(3, "/v1/topics/demo.crypto.BTCUSD.trade/messages?limit=1&order=desc"), 30, "the demo's feeds")

    os.kill(int(re.search(r"kill -9 (\d+)", cluster.said()).group(1)), signal.SIGKILL)
    eventually(lambda: cluster.states(1)["n3"] == "dead", 10, "the death")
    eventually(lambda: "n3 ended (137)" in cluster.said(), 10, "the remark about it")

    cluster.process.send_signal(signal.SIGINT)
    assert cluster.process.wait(patient(60)) == 130
    assert "n1 ended (0)" in cluster.said() and "n2 ended (0)" in cluster.said(), cluster.said()


def test_a_second_one_in_the_same_folder_or_on_the_same_ports_is_refused(cluster, tmp_path):
    def refusal(folder, *nodes):
        tried = subprocess.run([SCRIPT, binary(), folder, *nodes], capture_output=True, text=True, check=False,
                               timeout=patient(20), env={**os.environ, "ANODE_PORT": str(cluster.first)})
        return tried.returncode, tried.stderr
    assert refusal(tmp_path / "cluster") == (1, f"cluster: another one runs in {tmp_path / 'cluster'}\n")
    assert refusal(tmp_path / "other") == (1, f"cluster: port {cluster.first} is taken; ANODE_PORT=8945 begins elsewhere\n")
    assert refusal(tmp_path / "other", "none") == (2, "cluster: from 1 to 9 nodes\n")
