"""Fixtures of the clusters of real processes. Each test ends with Fleet.settle(): histories, ledger and books."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from fleet import Fleet  # noqa: E402
from hosts import HostFleet, why_no_hosts  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: takes minutes; runs with ./dev soak only")


def pytest_addoption(parser):
    parser.addoption("--soak", action="store_true", help="run the long ones, and only those")


def pytest_collection_modifyitems(config, items):
    soak = config.getoption("--soak", default=False)
    kept = [item for item in items if (item.get_closest_marker("soak") is not None) == soak]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture
def fleet(tmp_path):
    """Members on loopback."""
    fleet = Fleet(tmp_path)
    try:
        yield fleet
    finally:
        fleet.clean_up()


@pytest.fixture
def hosts(tmp_path):
    """Members on hosts of their own: network namespaces on one bridge."""
    why = why_no_hosts()
    if why:
        pytest.skip(why)  # no root, namespaces or nft here; `why` names which
    fleet = HostFleet(tmp_path)
    try:
        yield fleet
    finally:
        fleet.clean_up()
