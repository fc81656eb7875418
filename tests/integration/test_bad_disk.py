"""The disk fails: full, not ours, in use, of another version, unreadable. Each is said, with the place; what can go on goes on."""
import json
import os
import signal
import subprocess

import pytest

from anode_node import binary, plain_environment
from healthy import Healthy
from listeners import Listener
from patience import eventually

ROOT = os.geteuid() == 0
MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 MiB; skipped where it cannot be mounted."""
    if not ROOT:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def free_bytes(place):
    state = os.statvfs(place)
    return state.f_bavail * state.f_frsize


def fill(place, leave):
    """Takes all but `leave` bytes."""
    with open(place / "filler", "ab") as filler:
        try:
            while free_bytes(place) > leave:
                filler.write(b"x" * min(MIB, free_bytes(place) - leave))
                filler.flush()
        except OSError:
            pass


def try_to_publish(node, number, ack="disk"):
    return node.post(f"/v1/topics/disk.n/messages?ack={ack}", str(number), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("leave", [2 * MIB, 0], ids=["below min_free", "to the last byte"])
def test_a_full_disk_refuses_durable_publishes_goes_on_streaming_and_recovers_by_itself(make_node, small_disk, leave):
    node = make_node(config={"node": {"name": "n1", "data_dir": str(small_disk / "data")}})
    acknowledged = []

    def publish_until(status):
        answer = try_to_publish(node, len(acknowledged))
        if answer.status == 200:
            acknowledged.append(len(acknowledged))
        return answer if answer.status == status else None
    for _ in range(20):
        assert publish_until(200)
    with Listener(node.port, "live.>") as live:
        for round_ in range(2):
            fill(small_disk, leave)
            answer = eventually(lambda: publish_until(507), 15, what="507")
            assert answer.json()["code"] == "store-full", answer
            node.publish("live.x", round_, ack="received")
            heard = live.wait(round_ + 1)
            assert json.loads(heard[-1])["data"] == round_, "streaming goes on"
            assert node.get("/livez").status == 200
            checks = {c["name"]: c for c in node.get("/healthz?verbose").json()["checks"]}
            assert any(c["status"] != "ok" for c in checks.values()), checks
            (small_disk / "filler").unlink()
            eventually(lambda: publish_until(200), 15, what="a publish after the space came back")
    node.stop()
    node.start()
    stored = [m["data"] for m in node.get("/v1/topics/disk.n/messages?order=asc&limit=1000").json()["items"]]
    assert set(acknowledged) <= set(stored), "acknowledged and lost"
    assert len(stored) == len(set(stored)), "a refused publish that was tried again is there once"


def start_and_die(make_node, code=1, timeout=30, **options):
    """Starts a node that must refuse to run, and gives what it said."""
    node = make_node(start=False, **options)
    node.launch()
    assert node.wait_exit(timeout) == code, node.tail()
    return node.log()


def test_a_data_directory_that_is_a_file_is_named(make_node, tmp_path):
    place = tmp_path / "not-a-directory"
    place.write_text("x")
    said = start_and_die(make_node, config={"node": {"data_dir": str(place)}})
    assert str(place) in said
    assert place.read_text() == "x"


def test_a_data_directory_below_what_cannot_be_written_is_named(make_node):
    said = start_and_die(make_node, config={"node": {"data_dir": "/proc/anode-test"}})
    assert "/proc/anode-test" in said


@pytest.mark.skipif(not ROOT, reason="becoming somebody else needs root")
def test_a_data_directory_of_somebody_else_is_named(make_node, tmp_path):
    node = make_node(start=False)
    place = tmp_path / "theirs"
    place.mkdir(mode=0o700)
    node.config["node"]["data_dir"] = str(place / "data")
    node.write_config()
    open_up(node.config_file)
    done = subprocess.run([binary(), "run", "-c", str(node.config_file)], capture_output=True, text=True, timeout=60,
                          env=plain_environment(), user=65534, group=65534, cwd="/")
    assert done.returncode in (1, 78), done
    assert str(place) in done.stdout + done.stderr
    assert "denied" in (done.stdout + done.stderr).lower()


def open_up(path):
    """Lets everybody reach a file of ours."""
    path.chmod(0o644)
    for parent in path.parents:
        if str(parent).startswith("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o055)


def test_a_store_of_another_disk_version_is_refused_with_both_versions_and_left_alone(make_node):
    node = make_node()
    node.publish("a.b", 1)
    node.stop()
    version = next(node.data.rglob("disk-version"))
    ours = version.read_text()
    version.write_text("4711\n")
    node.launch()
    assert node.wait_exit(30) == 1
    said = node.log()
    assert str(version.parent) in said and "4711" in said and ours.strip() in said, said
    assert version.read_text() == "4711\n", "the store was touched"
    version.write_text(ours)
    node.start()
    assert [m["data"] for m in node.get("/v1/topics/a.b/messages").json()["items"]] == [1]


def test_a_data_directory_in_use_is_named_and_its_user_does_not_notice(make_node):
    first = make_node()
    with Healthy(first):
        said = start_and_die(make_node, config={"node": {"data_dir": str(first.data)}})
    assert str(first.data) in said


def test_a_damaged_store_says_so_or_serves_what_is_whole(make_node):
    node = make_node()
    for number in range(50):
        node.publish("a.b", {"n": number, "pad": "x" * 2000})
    node.stop()
    tables = [p for p in node.data.rglob("*") if p.is_file() and p.suffix in (".sst", ".log") and p.stat().st_size > 1000]
    assert tables, "no files to damage"
    for path in tables:
        content = bytearray(path.read_bytes())
        for at in range(len(content) // 2, len(content) // 2 + 64):
            content[at] ^= 0xFF
        path.write_bytes(content)
    node.launch()
    try:
        node.wait_ready(20)
    except AssertionError:
        assert node.process.poll() not in (None, -signal.SIGSEGV, -signal.SIGABRT), node.tail()
        assert str(node.data) in node.log(), node.tail()
        return
    numbers = [m["data"]["n"] for m in node.get("/v1/topics/a.b/messages?order=asc").json()["items"]]
    assert numbers == sorted(set(numbers)) and set(numbers) <= set(range(50)), "never a wrong message"
    node.publish("a.b", {"n": 50})
