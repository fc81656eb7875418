#!/usr/bin/env python3
"""Runs the interop tests, several files at a time, and counts: tests/interop/run.py [FILE…] [-- pytest options].

The foreign peers are built first. What fails is tried once more, alone: a busy machine can break a deadline, a defect
breaks it again.
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
            ["/usr/bin/python3", "-m", "pytest", "-q", "-rs", f"--junitxml={report}", "-o", f"cache_dir={cache}", str(file), *options],
            capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)
        if not report.exists():
            return {"failed": 1}, done.stdout + done.stderr
        count = {"passed": 0, "failed": 0, "skipped": 0}
        for case in ElementTree.parse(report).iter("testcase"):
            bad = case.find("failure") is not None or case.find("error") is not None
            count["failed" if bad else "skipped" if case.find("skipped") is not None else "passed"] += 1
        return count, done.stdout


def main():
    named = sys.argv[1:]
    options = named[named.index("--") + 1:] if "--" in named else []
    named = named[:named.index("--")] if "--" in named else named
    files = [HERE / Path(name).name for name in named] or sorted(HERE.glob("test_*.py"), key=lambda f: (f.name not in LONGEST, f.name))
    absent = peers.build_all()
    if absent:
        print(f"SKIPPED, all that needs foreign peers: {absent}")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = dict(zip(files, pool.map(lambda file: pytest(file, options), files)))
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for file, (count, output) in results.items():
        if count["failed"]:
            print(output)
            again, output = pytest(file, ["--last-failed", "--last-failed-no-failures=none", *options])
            print(f"{file.name}: {count['failed']} failed, tried again: {again['failed']} failed\n{output if again['failed'] else ''}")
            count = {**count, "passed": count.get("passed", 0) + again.get("passed", 0), "failed": again["failed"]}
        for kind in total:
            total[kind] += count.get(kind, 0)
        print(f"{file.name}: {count}")
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] or not total["passed"] + total["skipped"] else 0


if __name__ == "__main__":
    sys.exit(main())
