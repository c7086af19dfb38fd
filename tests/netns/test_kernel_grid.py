"""A whole grid on the kernel's own WireGuard, which most hosts have: nodes join, requests are routed and spread."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from gridwire.adapters.wireguard.kernel import kernel_has_wireguard

pytestmark = [
    pytest.mark.netns,
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.xdist_group("demo"),
]
_PROOFS = ["join", "spread"]


@pytest.mark.timeout(600)
def test_nodes_join_and_requests_are_spread_on_kernel_wireguard() -> None:
    if not kernel_has_wireguard():
        pytest.skip("this kernel has no WireGuard")
    argv = [sys.executable, "-m", "gridwire.cli.main", "demo", "--only", ",".join(_PROOFS), "-o", "json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(proof["id"], proof["ok"]) for proof in json.loads(done.stdout)["proofs"]] == [(it, True) for it in _PROOFS]
