"""The block in /etc/hosts: what it holds is ours, every other byte is not."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.errors import Invalid
from gridwire.core.hosts import BEGIN, END, HostsObserved, parse_hosts, plan_names, render_hosts
from gridwire.core.names import HostName
from gridwire.core.observed import Known, Unknown
from gridwire.core.spec import NamesSpec

GRID = HostName("grid")
API = (HostName("api.grid"), ip_address("10.85.0.1"))
WEB = (HostName("web.grid"), ip_address("10.85.0.1"))
OWN = "127.0.0.1 localhost\n192.168.1.9 nas # mine\n"


def block(*lines: str) -> str:
    return "".join(f"{line}\n" for line in (BEGIN, *lines, END))


def test_a_block_is_appended_and_read_back() -> None:
    text = render_hosts(OWN, (API, WEB), GRID)
    assert text.startswith(OWN)
    assert "10.85.0.1 api.grid\n10.85.0.1 web.grid\n" in text
    assert parse_hosts(text, GRID) == HostsObserved(entries=(API, WEB))


def test_no_entries_leave_the_file_as_it_was_before() -> None:
    assert render_hosts(render_hosts(OWN, (API,), GRID), (), GRID) == OWN


def test_the_block_stays_where_it_is() -> None:
    text = "127.0.0.1 localhost\n" + block("10.85.0.1 api.grid") + "192.168.1.9 nas\n"
    assert render_hosts(text, (WEB,), GRID).endswith(f"10.85.0.1 web.grid\n{END}\n192.168.1.9 nas\n")


def test_a_last_line_without_newline_is_kept_whole() -> None:
    text = render_hosts("127.0.0.1 localhost", (API,), GRID)
    assert text.splitlines()[0] == "127.0.0.1 localhost"
    assert parse_hosts(text, GRID).entries == (API,)


@pytest.mark.parametrize(
    "text",
    [
        f"{BEGIN}\n10.85.0.1 api.grid\n{OWN}",
        f"{OWN}{END}\n",
        block("10.85.0.1 api.grid") + OWN + block("10.85.0.1 web.grid"),
        f"{BEGIN}\n10.85.0.1 api.grid\n" + block("10.85.0.1 web.grid") + OWN,
        f"{BEGIN}\n10.85.0.1 api.grid\n{OWN}10.85.0.1 web.grid\n{END}\n",
        f"{OWN}{BEGIN}\n",
    ],
    ids=["no end", "no begin", "two blocks", "begin twice", "foreign lines inside", "begin alone"],
)
def test_damaged_markers_are_repaired_without_losing_a_foreign_line(text: str) -> None:
    seen = parse_hosts(text, GRID)
    assert seen.damaged
    (action,) = plan_names(NamesSpec(suffix=GRID, entries=(API,)), Known(seen))
    assert "damaged" in action.reason
    fixed = render_hosts(text, action.entries, GRID)
    assert [line for line in OWN.splitlines() if line not in fixed.splitlines()] == [] or OWN not in text
    assert parse_hosts(fixed, GRID) == HostsObserved(entries=(API,))
    assert fixed.count(END) == 1


def test_a_comment_that_only_looks_like_a_marker_is_no_marker() -> None:
    text = f"{BEGIN}ners, read this\n{OWN}"
    assert render_hosts(text, (), GRID) == text


@pytest.mark.parametrize(
    "name", ["bank.example.com", "grid", "api.grid.evil", "localhost", "a b.grid", "x\n1.2.3.4 y.grid"]
)
def test_a_name_outside_the_suffix_is_never_written(name: str) -> None:
    with pytest.raises(Invalid):
        render_hosts(OWN, ((HostName(name), ip_address("10.85.0.1")),), GRID)


def test_a_file_that_cannot_be_read_is_left_alone() -> None:
    assert plan_names(NamesSpec(suffix=GRID, entries=(API,)), Unknown("permission denied")) == ()


def test_a_missing_file_is_made_only_for_a_name() -> None:
    assert plan_names(NamesSpec(suffix=GRID), Known(None)) == ()
    (action,) = plan_names(NamesSpec(suffix=GRID, entries=(API,)), Known(None))
    assert "add api.grid" in action.reason


def test_the_reason_names_what_comes_and_goes() -> None:
    (action,) = plan_names(NamesSpec(suffix=GRID, entries=(WEB,)), Known(HostsObserved(entries=(API,))))
    assert action.reason == "names: add web.grid, remove api.grid"


_LINES = st.one_of(
    st.sampled_from([BEGIN, END, f"{BEGIN} (kept)", "10.85.0.1 api.grid", "10.85.0.9 old.grid", ""]),
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n"), max_size=30),
)
_ENTRIES = st.sets(st.sampled_from([API, WEB])).map(lambda found: tuple(sorted(found)))


@given(lines=st.lists(_LINES, max_size=12), end=st.sampled_from(["", "\n"]), entries=_ENTRIES)
def test_any_file_converges_and_keeps_every_foreign_line(lines: list[str], end: str, entries: tuple) -> None:
    text = "\n".join(lines) + end
    spec = NamesSpec(suffix=GRID, entries=entries)
    actions = plan_names(spec, Known(parse_hosts(text, GRID)))
    after = render_hosts(text, actions[0].entries, GRID) if actions else text
    assert plan_names(spec, Known(parse_hosts(after, GRID))) == ()
    assert parse_hosts(after, GRID).entries == entries

    def foreign(content: str) -> list[str]:
        ours = ("10.85.0.1 api.grid", "10.85.0.1 web.grid", "10.85.0.9 old.grid")
        return [
            line
            for line in content.split("\n")
            if line and line not in ours and not line.strip().startswith((BEGIN, END))
        ]

    assert foreign(after) == foreign(text)
