"""The programs of a mixed cluster: where they are, and how the foreign ones are built.

Foreign programs go to build/peers, outside the sources: the Go peer from the folder `shared` beside the project
(ANODE_SHARED names another place), Serf from the Go module proxy. Without Go, or without that folder, the tests that
need them are skipped and say so; a build that fails is a failure.
"""
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BUILT = PROJECT / "build" / "peers"
SERF = "github.com/hashicorp/serf/cmd/serf"
SERF_NEW, SERF_OLD = "v0.11.0", "v0.9.5"  # the old one stands on memberlist 0.2.2 and its old codec
BUILD_SECONDS = 900


class Absent(Exception):
    """A program that cannot be had here, and why."""


def own():
    """Our member as a program. ANODE_MEMBER_PEER names another, for example the Go peer, to try the tests themselves."""
    named = os.environ.get("ANODE_MEMBER_PEER")
    if named:
        return Path(named)
    build = PROJECT / "build" / os.environ.get("ANODE_PRESET", "release")
    places = [build / "tests" / "interop" / "anode-member-peer", build / "tests" / "anode-member-peer", build / "anode-member-peer"]
    found = next((place for place in places if os.access(place, os.X_OK)), None)
    assert found, f"no anode-member-peer below {build}: ./dev build anode-member-peer, or set ANODE_MEMBER_PEER"
    return found


def shared_peer():
    """The folder of the Go peer's sources."""
    shared = Path(os.environ.get("ANODE_SHARED") or PROJECT.parent / "shared")
    folder = (shared / "peers" / "memberlist").resolve()
    if not (folder / "go.mod").exists():
        raise Absent("the folder of the Go peer is absent (ANODE_SHARED)")
    return folder


def go(arguments, cwd, environment=None):
    """Runs Go; its own caches are shared by all builds of this account, or lie in build/peers where there is no home."""
    program = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if not program:
        raise Absent("no Go on this machine")
    settings = {**os.environ, "GOFLAGS": "-buildvcs=false", "GOWORK": "off", **(environment or {})}
    if "HOME" not in settings:
        settings.update(GOCACHE=str(BUILT / "cache"), GOPATH=str(BUILT / "path"))
    done = subprocess.run([program, *arguments], cwd=cwd, env=settings, capture_output=True, text=True, timeout=BUILD_SECONDS)
    assert done.returncode == 0, f"go {' '.join(arguments)}:\n{done.stderr[-2000:]}"


def one_at_a_time(build):
    """Several test processes ask at once; the first builds."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with open(BUILT / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build()


def memberlist():
    """The Go peer, built anew where its sources changed."""
    folder, target = shared_peer(), BUILT / "memberlist-peer"
    one_at_a_time(lambda: go(["build", "-o", str(target), "."], cwd=folder))
    return target


def serf(version):
    target = BUILT / f"serf-{version}" / "serf"
    if not target.exists():
        shared_peer()  # who has no peers at all builds none
        one_at_a_time(lambda: target.exists() or go(["install", f"{SERF}@{version}"], BUILT, {"GOBIN": str(target.parent)}))
    return target


def build_all():
    """Builds what can be had, before the tests; tells what is absent."""
    for build in (memberlist, lambda: serf(SERF_NEW), lambda: serf(SERF_OLD)):
        try:
            build()
        except Absent as why:
            return str(why)
    return None
