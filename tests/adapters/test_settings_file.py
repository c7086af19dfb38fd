"""The settings file: the place of each mistake, and changes that keep comments."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridwire.adapters.settings import add_reach, create, load, parse_document, remove_reach, rendered, update
from gridwire.core.errors import Conflict, Invalid, NotFound, Unavailable
from gridwire.core.settings import parse_settings
from gridwire.core.targets import parse_reach

COMMENTED = """\
# the box in the cellar
node:
  name: home-1   # as on its label

reach:  # agreed with Ann
- 127.0.0.1:9000 # the app
# more to come
hosts: true
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gridwire.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("node: {name: gw}\nnetwrk: {}\n", "2:1", "there is no key 'netwrk'.*did you mean network"),
        ("node:\n  name: gw\n  name: b\n", "3:3", "twice.*:2:3"),
        ("node:\n  name: gw\nnetwork:\n  prefix: 8.8.8.0/24\n", "4:11", "network.prefix: 8.8.8.0/24 is not private"),
        ("node:\n  name: gw\nreach:\n  - 127.0.0.1:80\n  - 22:22\n", "5:5", r"reach\[1\]"),
        ("node:\n  name: gw\nreach: [127.0.0.1:80, 1.2.3.4]\n", "3:23", r"reach\[1\]"),
        ("node: [\n", "2:1", "quotes"),
        ("node:\n\tname: gw\n", "2:1", "indentation"),
        ("node: &a {name: gw}\n", "1:7", "anchors"),
        ("node: !!python/object:os.system {name: gw}\n", "1:7", "tag"),
        ("- a\n", "1:1", "a list"),
        ("", "1:1", "missing"),
        ("node: {name: gw}\nhosts: yes\n", "2:8", "text"),
        ("node: {name: gw}\nhosts: 1\n", "2:8", "a number"),
        ("node: {name: 22:22}\n", "1:14", "not a name"),
        ("node: {name: gw}\n---\na: b\n", "2:1", "document"),
        ("? [a, b]\n: c\n", "1:3", "one word"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_column(tmp_path: Path, text: str, place: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(Invalid, match=said) as caught:
        load(path)
    assert caught.value.field == f"{path}:{place}"
    assert path.read_text() == text


def test_bytes_that_are_not_utf8_are_told(tmp_path: Path) -> None:
    path = tmp_path / "gridwire.yaml"
    path.write_bytes(b"node: {name: \xff}\n")
    with pytest.raises(Invalid, match="UTF-8"):
        load(path)


def test_no_file_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="gridwire init"):
        load(tmp_path / "absent.yaml")


def test_yaml_is_read_as_1_2() -> None:
    tree = parse_document("a: 22:22\nb: no\nc: 0o17\nd: 012\ne: ~\nf: 'true'\ng: TRUE\n", "x").tree
    assert tree == {"a": "22:22", "b": "no", "c": 15, "d": 12, "e": None, "f": "true", "g": True}


def test_adding_and_removing_reach_keeps_comments(tmp_path: Path) -> None:
    path = write(tmp_path, COMMENTED)
    path.chmod(0o640)
    lan = parse_reach("192.168.1.0/24:443")
    assert lan in add_reach((lan, parse_reach("127.0.0.1:9000")), path).reach
    text = path.read_text()
    for comment in ("# the box in the cellar", "# as on its label", "# agreed with Ann", "# the app", "# more to come"):
        assert comment in text
    assert text.count("127.0.0.1:9000") == 1
    assert path.stat().st_mode & 0o777 == 0o640
    assert remove_reach((lan, parse_reach("127.0.0.1:9000")), path).reach == ()
    assert "# the box in the cellar" in path.read_text()
    assert "reach" not in path.read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_removing_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, COMMENTED)
    with pytest.raises(NotFound):
        remove_reach((parse_reach("127.0.0.1:9000"), parse_reach("127.0.0.1:1")), path)
    assert path.read_text() == COMMENTED


def test_a_wrong_file_is_not_written_to(tmp_path: Path) -> None:
    path = write(tmp_path, "node: {name: gw}\ntypo: 1\n")
    with pytest.raises(Invalid, match="typo"):
        add_reach((parse_reach("127.0.0.1:1"),), path)
    assert path.read_text() == "node: {name: gw}\ntypo: 1\n"


def test_a_change_that_makes_the_file_wrong_is_not_kept(tmp_path: Path) -> None:
    path = write(tmp_path, COMMENTED)
    with pytest.raises(Invalid):
        update(lambda tree: tree.__setitem__("endpoint", "0.0.0.0"), path)
    assert path.read_text() == COMMENTED


def test_what_is_created_reads_back_as_it_was_and_is_never_overwritten(tmp_path: Path) -> None:
    settings = parse_settings(
        {
            "node": {"name": "gw"},
            "network": {"prefix": "10.9.0.0/16", "ports": {"routes": 8080}},
            "endpoint": "gw.example.com",
            "domain": "home.example.com",
            "reach": ["127.0.0.1:9000-9010", "[fd12::7]:80"],
            "hosts": False,
            "paths": {"state": "/srv/gw"},
            "mesh": {"wireguard_go": "/opt/wg"},
        }
    )
    path = tmp_path / "etc" / "gridwire.yaml"
    create(settings, path)
    assert load(path) == settings
    before = path.read_text()
    with pytest.raises(Conflict):
        create(parse_settings({"node": {"name": "other"}}), path)
    assert path.read_text() == before
    assert "# " in rendered(settings)


def place_of(text: str) -> str:
    """Where the text is wrong; ``f.yaml:0:0`` where it is not."""
    try:
        parse_document(text, "f.yaml")
    except Invalid as error:
        return error.field
    return "f.yaml:0:0"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    name, line, column = place_of(text).split(":")
    assert name == "f.yaml"
    assert line.isdigit()
    assert column.isdigit()
