"""The guard's table: what real nft makes of what is rendered, against tables that were written and read by people."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gridwire.adapters.netfilter import Listing, Nft, difference, lacking
from gridwire.core.guard import COUNTERS, GuardSpec, Opening
from gridwire.render.nftables import render_members, render_removal, render_table

CASES = sorted((Path(__file__).parents[1] / "cases" / "guard").iterdir())
_CLONE_NEWNET = 0x40000000

real_nft = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("nft") is None, reason="needs root and nft"),
]


def case(folder: Path) -> GuardSpec:
    return TypeAdapter(GuardSpec).validate_json((folder / "spec.json").read_bytes())


def alone(work: Callable[[], Any]) -> Any:
    """Do it in a network namespace that nobody else is in and that goes afterwards."""
    outcome: list[Any] = []

    def unshared() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET):
            outcome.append(OSError(ctypes.get_errno(), "unshare"))
            return
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that asked
            outcome.append(error)

    thread = threading.Thread(target=unshared)
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def loaded(*transactions: dict[str, Any]) -> Listing:
    def work() -> Listing | None:
        for transaction in transactions:
            Nft().load(transaction)
        return Nft().read()

    return alone(work)


def written(table: Path) -> Listing:
    def work() -> Listing | None:
        subprocess.run(["nft", "-f", str(table)], check=True)
        return Nft().read()

    return alone(work)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
class TestCases:
    pytestmark = real_nft

    def test_nft_reads_back_the_table_that_was_written_by_hand(self, folder: Path) -> None:
        assert difference(written(folder / "table.nft"), loaded(render_table(case(folder)))) == ""

    def test_loading_it_again_leaves_one_table_and_no_rule_twice(self, folder: Path) -> None:
        table = render_table(case(folder))
        assert loaded(table, table) == loaded(table)

    def test_nft_checks_it_without_loading(self, folder: Path) -> None:
        def check() -> int:
            text = json.dumps(render_table(case(folder)))
            return subprocess.run(["nft", "-j", "-c", "-f", "-"], input=text, text=True, check=False).returncode

        assert alone(check) == 0

    def test_what_is_lacking_is_named(self, folder: Path) -> None:
        table = render_table(case(folder))
        listing = loaded(table)
        assert lacking(table, listing) == ""
        for at in range(len(listing)):
            assert lacking(table, listing[:at] + listing[at + 1 :]) != "", listing[at]


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_the_same_spec_is_the_same_text_in_whatever_order_roles_come(folder: Path) -> None:
    spec = case(folder)
    turned = replace(spec, openings=spec.openings[::-1])
    assert json.dumps(render_table(spec)) == json.dumps(render_table(turned))


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_one_transaction_takes_the_old_table_away_and_brings_the_new_one(folder: Path) -> None:
    commands = render_table(case(folder))["nftables"]
    assert [next(iter(command)) for command in commands[:3]] == ["add", "delete", "add"]
    assert all(set(command) == {"add"} for command in commands[3:])
    assert all(command == commands[0] for command in (commands[2],))


def test_counters_start_where_they_stood() -> None:
    counted = render_table(case(CASES[0]), {"arrived": (7, 900)})["nftables"]
    counters = {c["add"]["counter"]["name"]: c["add"]["counter"] for c in counted if "counter" in c.get("add", {})}
    assert tuple(counters) == COUNTERS
    assert (counters["arrived"]["packets"], counters["arrived"]["bytes"]) == (7, 900)
    assert counters["flood"]["packets"] == 0


def test_no_rule_matches_an_interface_by_its_index() -> None:
    for folder in CASES:
        text = json.dumps(render_table(case(folder)))
        assert '"key": "iif"' not in text
        assert '"key": "oif"' not in text


class TestMembers:
    pytestmark = real_nft

    def test_members_replaced_in_place_make_the_table_of_the_new_spec(self) -> None:
        spec = case(next(folder for folder in CASES if folder.name == "a-gateway-and-all-roles"))
        moved = {"edge": ("10.85.1.8",), "client": (), "operator": ("10.85.1.4", "10.85.1.3")}
        openings = tuple(
            Opening(role=o.role, addresses=tuple(map(ip_address, moved[o.role])), tcp_ports=o.tcp_ports)
            if o.role in moved
            else o
            for o in spec.openings
        )
        new = replace(spec, openings=openings)
        in_place = loaded(render_table(spec), render_members(new, moved))
        assert difference(loaded(render_table(new)), in_place) == ""

    def test_removal_takes_the_table_and_may_be_repeated(self) -> None:
        assert loaded(render_table(case(CASES[0])), render_removal(), render_removal()) is None
