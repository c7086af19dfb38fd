"""`gridwire plan`, `revision diff|rollback` and `why` against a real control."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def grid(grid: Any, control: Path) -> Any:
    """With a phone, and a route that it may use."""
    if not (control / "phone.conf").exists():
        grid("invite", "phone", "--role", "client", "--config", str(control / "phone.conf"))
    grid("service", "publish", "api", "--to", "127.0.0.1:9000", "--on", "tag:site=a")
    grid("route", "add", "--host", "api", "--to", "api", "--allow", "role:client")
    return grid


def newest(grid: Any) -> int:
    return int(json.loads(grid("revision", "list", "-o", "json").out)[0]["number"])


def test_a_plan_says_who_loses_what_and_changes_nothing(grid: Any) -> None:
    before = newest(grid)
    ran = grid("plan", "route", "add", "--host", "api", "--to", "api")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "~ route api",
        "    allow  role:client → none",
        "- phone loses api.grid/ → api",
        "! cut: phone: what is under way on what it loses",
        f"revision {before + 1} would be: route api: changed",
    ]
    assert newest(grid) == before


def test_scripts_are_told_by_exit_code_and_json(grid: Any) -> None:
    same = ("plan", "route", "add", "--host", "api", "--to", "api", "--allow", "role:client", "--exit-code")
    ran = grid(*same)
    assert (ran.code, ran.out) == (0, "")
    assert "nothing would change" in ran.err
    ran = grid("plan", "--exit-code", "route", "remove", "api", "-o", "json")
    assert ran.code == 5
    seen = json.loads(ran.out)
    assert seen["difference"]["losses"][0]["who"]["nodes"] == ["phone"]
    assert grid("plan", "route", "remove", "api").code == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("service", "publish", "web", "--to", "127.0.0.1:80", "--on", "node:e"), "+ service web"),
        (("policy", "set", "home", "--allow", "role:client"), "+ policy home"),
        (("node", "tag", "phone", "who=ann"), "    tags  none → who=ann"),
        (("node", "drain", "phone"), "    drained  no → yes"),
        (("node", "revoke", "phone"), "! cut: phone: its tunnel, and whatever goes through it"),
        (("revision", "rollback", "1"), "- route api"),
    ],
)
def test_every_change_has_a_plan(grid: Any, command: tuple[str, ...], said: str) -> None:
    before = newest(grid)
    ran = grid("plan", *command)
    assert ran.code == 0, ran.err
    assert said in ran.out.splitlines()
    assert newest(grid) == before


def test_what_makes_no_plan_is_not_run(grid: Any) -> None:
    before = newest(grid)
    for command in (("invite", "x"), ("route", "list"), ("route",), (), ("guard", "remove")):
        ran = grid("plan", *command)
        assert ran.code == 2
        assert "makes no plan" in ran.err
    assert grid("plan", "service", "remove", "api").code == 1  # refused, as it would be
    assert grid("plan", "route", "add", "--host", "x", "--to", "api", "--colour", "red").code == 2
    assert newest(grid) == before
    assert "plan" not in grid("route", "add", "--host", "other", "--to", "api").out  # a plan leaves nothing behind
    assert newest(grid) == before + 1
    grid("route", "remove", "other", "--yes")


def test_back_to_an_older_revision(grid: Any) -> None:
    before = newest(grid)
    grid("route", "add", "--host", "late", "--to", "api", "--allow", "role:client")
    ran = grid("revision", "diff", str(before + 1))
    assert "+ phone gains late.grid/ → api" in ran.out.splitlines()
    assert grid("revision", "rollback", str(before)).code == 2  # nobody is there to be asked
    ran = grid("revision", "rollback", str(before), "--yes")
    assert ran.out.splitlines() == [f"revision {before + 2} is as {before} was"]
    assert "late" not in grid("route", "list").out
    assert grid("revision", "diff", str(before + 2), "--since", str(before)).out == ""
    assert grid("revision", "rollback", str(before), "--yes").out.splitlines() == [
        f"revision {before + 2} is as {before} already"
    ]


def test_why_draws_the_way_and_says_where_it_ends(grid: Any) -> None:
    ran = grid("why", "phone", "http://api.grid/")
    assert ran.code == 3
    assert ran.out.splitlines()[0] == "phone ┄┄ gw ─╳─ no edge ┄┄ 127.0.0.1:9000"
    assert "no edge that is active has tag:site=a: gridwire node tag NAME site=a" in ran.out
    ran = grid("why", "phone", "http://ap1.grid/")
    assert "the nearest is api: its host is api.grid" in ran.out
    assert json.loads(grid("why", "phone", "api.grid", "-o", "json").out)["code"] == "no-endpoint"
    assert grid("why", "nobody", "api.grid").code == 2
