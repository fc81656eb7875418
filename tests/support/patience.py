"""Waiting: polling with a deadline, never a bare pause. ANODE_PATIENCE stretches every deadline on a slow machine."""
import os
import time

PATIENCE = float(os.environ.get("ANODE_PATIENCE", "3"))


def patient(seconds):
    """A deadline in seconds, stretched."""
    return seconds * PATIENCE


def eventually(check, timeout=10, what="it", pause=0.02):
    """Polls until `check()` is true and returns what it gave. The failure says what was seen last."""
    deadline = time.monotonic() + patient(timeout)
    while True:
        last = check()
        if last:
            return last
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {patient(timeout):.0f} s; last seen: {last!r}")
        time.sleep(pause)


def stays(check, seconds, what="it", pause=0.05):
    """Looks again and again for so long, unstretched: `check()` is true each time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert check(), f"{what} stopped being true"
        time.sleep(pause)
