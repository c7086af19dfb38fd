"""What every test shares: hypothesis on a busy machine has no stopwatch, and a skip can count as a failure."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Three workers and a lab full of processes share two cores: a deadline would measure them, not the code.
settings.register_profile("gridwire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gridwire")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails: for runs that exist to run it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that may take longest begin first, so that none is left to one worker at the end while the others rest."""
    longest: dict[Path, float] = {}
    for item in items:
        marker = item.get_closest_marker("timeout")
        longest[item.path] = max(longest.get(item.path, 0), marker.args[0] if marker else 0)
    items.sort(key=lambda item: -longest[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.config.getoption("--no-skips"):
        report.outcome = "failed"
    return report


@pytest.fixture
def mounts() -> Callable[[], list[str]]:
    """Reads this machine's mounts, without the network namespaces to which other workers' tests give names by ip(8)."""

    def read() -> list[str]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        return [line for line in lines if not line.split()[4].startswith("/run/netns")]

    return read
