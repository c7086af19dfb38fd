"""What control may do on the host that it runs on."""

from __future__ import annotations

import subprocess
import sys

import pytest

_RAISED = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, {given})
from gridwire.control.privileges import allow_many_files
allow_many_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("given", "after"), [((256, 2000), "2000 2000"), ((2000, 2000), "2000 2000")])
def test_a_connection_is_there_for_every_agent(given: tuple[int, int], after: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _RAISED.format(given=given)], check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == after
