"""The demo's JSON, the choice of proofs, and what is written down of a kept grid."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gridwire.core.errors import Conflict, Invalid, NotFound, NotPermitted
from gridwire.lab import kept, relay, user_namespace
from gridwire.lab.demo import Shown, document
from gridwire.lab.listeners import parse_table
from gridwire.lab.proofs.claims import CLAIMS, chosen
from gridwire.lab.proofs.proof import Proof
from gridwire.lab.proofs.start_order import PARTS, orders
from gridwire.lab.weak_host import Seen
from gridwire.lab.weak_host_card import draw

HOST = kept.HostEntry(
    name="gateway",
    role="gateway",
    netns="/proc/7/ns/net",
    mntns="/proc/7/ns/mnt",
    pid=7,
    link="gateway",
    mesh="10.85.0.1",
)


def test_the_document_has_the_promised_shape() -> None:
    proof = Proof(
        id="join",
        title="t",
        ok=True,
        figure=812.0,
        unit="ms",
        goal="≤ 10000",
        seconds=1.5,
        line="for people",
        details={"milliseconds": {"edge-1": 812}},
    )
    shown = json.loads(json.dumps(document(Shown(ok=True, seconds=61.2, proofs=(proof,), hosts=(HOST,)))))

    assert list(shown) == ["ok", "seconds", "proofs", "hosts"]
    assert list(shown["proofs"][0]) == ["id", "title", "ok", "figure", "unit", "goal", "seconds", "details"]
    assert list(shown["hosts"][0]) == ["name", "role", "netns", "mntns", "pid", "link", "mesh"]


def test_every_promised_proof_is_there_once_in_order() -> None:
    assert [claim.id for claim in CLAIMS] == [
        "join",
        "spread",
        "edge-death",
        "endpoint-churn",
        "route-churn",
        "redeploy",
        "start-order",
        "control-death",
        "perimeter",
        "revoke",
    ]


def test_only_takes_ids_in_any_order_and_runs_them_in_the_tables() -> None:
    assert [claim.id for claim in chosen("revoke, join")] == ["join", "revoke"]


@pytest.mark.parametrize("text", ["nonsense", "join,nonsense", "", ","])
def test_only_refuses_what_is_in_no_table(text: str) -> None:
    with pytest.raises(Invalid, match="there is no proof"):
        chosen(text)


def test_start_orders_differ_and_hold_every_process() -> None:
    found = orders(12)

    assert len(set(found)) == 12
    assert all(sorted(order) == sorted(PARTS) for order in found)
    assert len(orders(10_000)) == 120


@pytest.mark.parametrize("where", ["8080", "0.0.0.0:8080", "203.0.113.7:80", "127.0.0.1:x", "localhost:80", "[::]:80"])
def test_serving_is_for_this_host_alone(where: str) -> None:
    with pytest.raises(Invalid, match="--serve"):
        relay.bound(where)


def test_a_kept_grid_is_found_until_its_keeper_ends(tmp_path: Path) -> None:
    file = tmp_path / "lab" / "grid.json"
    kept.remember(os.getpid(), (HOST,), file)

    found = kept.current(file)
    assert found.hosts == (HOST,)
    with pytest.raises(Conflict, match="kept running already"):
        kept.refuse_second(file)
    with pytest.raises(Invalid, match="take one of gateway"):
        kept.host(found, "nowhere")


def test_a_grid_whose_keeper_is_gone_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "lab" / "grid.json"
    kept.remember(os.getpid(), (HOST,), file)
    raw = json.loads(file.read_text())
    file.write_text(json.dumps({**raw, "started": raw["started"] + 1}))  # the pid, but a later process

    with pytest.raises(NotFound, match="no grid is kept"):
        kept.current(file)
    assert not file.parent.exists()


@pytest.mark.parametrize("uid", [0, 1000])
def test_a_grid_is_written_down_where_only_its_user_writes(
    uid: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_namespace, "outer_uid", lambda: uid)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    bare = kept.state_file()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    assert str(bare.parent) == ("/run/gridwire-lab" if uid == 0 else "/tmp/gridwire-lab-1000")
    assert kept.state_file().is_relative_to(tmp_path) is (uid != 0)


@pytest.mark.parametrize("how", ["open to all", "a link", "another user's"])
def test_a_record_that_somebody_else_may_have_written_is_not_believed(how: str, tmp_path: Path) -> None:
    file = tmp_path / "lab" / "grid.json"
    kept.remember(os.getpid(), (HOST,), file)
    assert file.parent.stat().st_mode & 0o777 == 0o700
    if how == "open to all":
        file.parent.chmod(0o777)
    elif how == "a link":
        file.parent.rename(tmp_path / "real")
        file.parent.symlink_to(tmp_path / "real")
    elif os.geteuid() == 0:
        os.chown(file.parent, 64_501, 64_501)
    else:
        pytest.skip("only root gives a directory away")

    with pytest.raises(NotPermitted, match="not this user's alone"):
        kept.current(file)
    with pytest.raises(NotPermitted, match="not this user's alone"):
        kept.remember(os.getpid(), (HOST,), file)


def test_sockets_are_read_from_the_kernels_table() -> None:
    table = (
        "  sl  local_address rem_address   st\n"
        "   0: 0100550A:0050 00000000:0000 0A 0\n"
        "   1: 0100007F:1F90 00000000:0000 01 0\n"
    )

    assert [str(one) for one in parse_table(table, "tcp")] == ["tcp 10.85.0.1:80"]


def test_the_card_says_what_was_seen_and_nothing_that_runs() -> None:
    seen = Seen(
        listener="tcp 10.85.0.1:80",
        bare=200,
        bare_said="<script>",
        guarded=None,
        guarded_said="no answer: TimeoutError",
        seconds=4.2,
    )
    picture = draw(seen)

    assert "HTTP 200" in picture
    assert "no answer" in picture
    assert "<script>" not in picture
    assert seen.ok
