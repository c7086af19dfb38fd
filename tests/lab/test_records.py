"""Records: what a file may hold, what the app keeps, and that the same seed gives the same readings."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gridwire.core.errors import Invalid
from gridwire.lab.ingest import Records, create_app
from gridwire.lab.readings import from_file, generated
from gridwire.lab.records import arrivals, parse_lines


def test_the_same_seed_gives_the_same_readings() -> None:
    first, second = (list(islice(generated(7, "r"), 50)) for _ in range(2))

    assert first == second
    assert first != list(islice(generated(8, "r"), 50))
    assert all(json.loads(line)["id"] == name for name, line in first)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param('{"id": 1}\n{"id": \n', "line 2", id="not-json"),
        pytest.param('{"name": 1}\n', 'line 1: a record is an object with an "id"', id="no-id"),
        pytest.param('{"id": "a"}\n{"id": "a"}\n', "'a' stands twice", id="twice"),
        pytest.param("\n\n", "holds no record", id="empty"),
        pytest.param("[1]\n", "line 1", id="not-an-object"),
    ],
)
def test_a_wrong_file_says_what_and_where(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "readings.jsonl"
    file.write_text(content)

    with pytest.raises(Invalid, match="--input") as raised:
        from_file(file)
    assert said in str(raised.value)


def test_a_missing_file_is_invalid_input(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No such file"):
        from_file(tmp_path / "none.jsonl")


def test_a_record_that_arrives_again_is_kept_once_and_counted(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    records = Records(database)
    with TestClient(create_app("edge-1", records)) as client:
        for _ in range(2):
            answer = client.post("/ingest", content=b'{"id": "a"}\n', headers={"X-Request-Of-Load": "r-1"})
            assert answer.json() == {"edge": "edge-1", "stored": 1, "request": "r-1"}
        assert client.post("/ingest", content=b'{"id": "b"}\n{"id": "c"}\n').json()["stored"] == 2
    records.close()

    assert arrivals(database) == {"a": 2, "b": 1, "c": 1}


def test_a_bad_line_stores_none_of_its_request(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    records = Records(database)
    with TestClient(create_app("edge-1", records)) as client:
        answer = client.post("/ingest", content=b'{"id": "a"}\nnonsense\n')
    records.close()

    assert answer.status_code == 422
    assert "line 2" in answer.json()["detail"]
    assert arrivals(database) == {}


def test_the_app_says_who_it_is_and_streams(tmp_path: Path) -> None:
    records = Records(tmp_path / "records.db")
    with TestClient(create_app("edge-2", records)) as client:
        assert client.get("/", headers={"X-Request-Of-Load": "r-9"}).json() == {"edge": "edge-2", "request": "r-9"}
        assert client.get("/healthz").status_code == 200
        with client.websocket_connect("/stream") as stream:
            assert stream.receive_json() == {"edge": "edge-2", "tick": 0}
            stream.send_text("echo")
            assert "echo" in {stream.receive_text() for _ in range(3)}
    records.close()


def test_no_database_yet_holds_nothing(tmp_path: Path) -> None:
    assert arrivals(tmp_path / "none.db") == {}


def test_numbers_may_be_ids() -> None:
    assert [name for name, _ in parse_lines(b'{"id": 7}\n\n{"id": "x"}\n')] == ["7", "x"]
