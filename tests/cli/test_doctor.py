"""`gridwire doctor` as a user runs it: before anything is installed, without root, on a host with a mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

GRIDWIRE = [sys.executable, "-P", "-m", "gridwire.cli.main"]
# Somebody who may read every file, since Python and this clone may lie in root's home, and may nothing else.
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_read_search"]
AS_NOBODY += ["--ambient-caps=+dac_read_search"]


def told(argv: list[str], user: Sequence[str] = ()) -> tuple[int, dict[str, Any]]:
    done = subprocess.run([*user, *GRIDWIRE, "doctor", "-o", "json", *argv], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 3), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_it_says_what_this_host_is_before_there_is_anything_of_gridwires(tmp_path: Path) -> None:
    code, said = told(["--settings", str(tmp_path / "none.yaml")])
    facts = {one["name"]: one["value"] for one in said["facts"]}
    assert facts["kernel"] == os.uname().release
    assert {"system", "wg", "nft", "nginx", "WireGuard", "clock", "open files", "forwarding", "Docker"} <= set(facts)
    assert said["node"] == ""
    assert said["verdict"]["fit"] in ("yes", "no", "unknown")
    assert said["verdict"]["reasons"]
    grave = [one for one in said["findings"] if one["severity"] != "info"]
    assert code == (3 if grave or said["unseen"] else 0)
    assert all(one["fix"] for one in grave), "each says what to do"
    assert all(one["where"] not in ("tunnel", "node") for one in said["findings"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_without_root_it_says_what_it_cannot_see_and_calls_nothing_of_that_well(tmp_path: Path) -> None:
    code, said = told(["--settings", str(tmp_path / "none.yaml")], AS_NOBODY)
    assert code == 3
    unseen = {one["name"] for one in said["unseen"]}
    assert {"processes of others", "other firewalls", "other network namespaces"} <= unseen
    assert said["verdict"]["fit"] in ("unknown", "no")
    assert not any(one["id"] == "firewall" for one in said["findings"])


def test_a_settings_file_with_a_mistake_is_told_with_its_place(cli: Any, settings_file: Path) -> None:
    settings_file.write_text("node: {name: gw}\nrech: []\n")
    ran = cli("doctor")
    assert ran.code == 2
    assert f"{settings_file}:2:1: there is no key 'rech'" in ran.err


def test_a_host_that_has_settings_and_is_no_node_yet_is_looked_at_too(cli: Any) -> None:
    ran = cli("doctor", "-o", "json")
    assert ran.code == 3
    said = json.loads(ran.out)
    assert "there are settings, and this host has joined no grid yet" in {one["reason"] for one in said["unseen"]} or (
        os.geteuid() != 0
    )
    assert any(one["id"].startswith("endpoint-") for one in said["findings"]), "gw.example.com is not this host"


def test_for_a_person_it_says_the_verdict_first_and_a_fix_for_each(cli: Any) -> None:
    ran = cli("doctor")
    assert ran.out.startswith("Does gridwire fit this host?  ")
    assert "→ " in ran.out
    assert "kernel" in ran.out


@pytest.mark.parametrize("patience", ["0s", "long"])
def test_a_patience_that_is_none_is_refused(cli: Any, patience: str) -> None:
    ran = cli("doctor", "--patience", patience)
    assert ran.code == 2
    assert "gridwire: patience: " in ran.err


def test_of_a_node_it_asks_control_and_says_where_that_is(settings_file: Path) -> None:
    argv = [*GRIDWIRE, "doctor", "home-1", "--settings", str(settings_file)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "control" in done.stderr
