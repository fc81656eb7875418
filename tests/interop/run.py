#!/usr/bin/env python3
"""Runs the interop tests, several files at a time, and counts: tests/interop/run.py [FILE…] [-- pytest options].

The foreign peers are built first; `--absent` builds them only, and says why they cannot be had, if so. What fails is
tried once more, alone: a busy machine can break a deadline, a defect breaks it again.
"""
import concurrent.futures
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import peers  # noqa: E402

AT_ONCE = 3  # most of the time all of them wait
LONGEST = ["test_failures.py", "test_serf.py", "test_clusters.py"]  # these first


def pytest(file, options):
    """The outcomes of one file by kind, and what was printed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        cache = peers.PROJECT / "build" / "peers" / "pytest" / file.stem
        done = subprocess.run(
            ["/usr/bin/python3", "-m", "pytest", "-q", "-rs", f"--junitxml={report}", "-o", f"cache_dir={cache}",
             str(file), *options],
            capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)
        if not report.exists():
            return {"failed": 1}, done.stdout + done.stderr
        count = {"passed": 0, "failed": 0, "skipped": 0}
        for case in ElementTree.parse(report).iter("testcase"):
            bad = case.find("failure") is not None or case.find("error") is not None
            count["failed" if bad else "skipped" if case.find("skipped") is not None else "passed"] += 1
        return count, done.stdout


def run(file, options):
    """One file, and what failed once more."""
    count, output = pytest(file, options)
    if count["failed"]:
        print(output)
        again, output = pytest(file, ["--last-failed", "--last-failed-no-failures=none", *options])
        print(f"{file.name}: {count['failed']} failed, tried again: {again['failed']} failed\n{output if again['failed'] else ''}")
        count.update(passed=count.get("passed", 0) + again.get("passed", 0), failed=again["failed"])
    print(f"{file.name}: {count}", flush=True)
    return count


def main():
    absent = peers.build_all()
    if sys.argv[1:] == ["--absent"]:
        print(absent or "", end="")
        return 0
    named, options = sys.argv[1:], []
    if "--" in named:
        named, options = named[:named.index("--")], named[named.index("--") + 1:]
    files = [HERE / Path(name).name for name in named] or sorted(HERE.glob("test_*.py"), key=lambda f: (f.name not in LONGEST, f.name))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        counts = list(pool.map(lambda file: run(file, options), files))
    total = {kind: sum(count.get(kind, 0) for count in counts) for kind in ("passed", "failed", "skipped")}
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] or not total["passed"] + total["skipped"] else 0


if __name__ == "__main__":
    sys.exit(main())
