"""The demo as a user runs it: every proof is met, a kept grid can be worked on, nothing remains."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridwire.lab import kept
from gridwire.lab.grid import EDGES
from gridwire.lab.waiting import until

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="needs root and /dev/net/tun"),
    pytest.mark.xdist_group("demo"),
]
GRIDWIRE = [sys.executable, "-m", "gridwire.cli.main"]
LISTEN = "0A"


def listeners() -> set[str]:
    """Local addresses and ports that listen in the real host's network."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN:
                found.add(fields[1])
    return found


def interfaces() -> set[str]:
    return {line.partition(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}


def alive(hosts: list[dict[str, object]]) -> list[object]:
    return [host["name"] for host in hosts if kept.start_ticks(int(str(host["pid"])))]


@pytest.mark.timeout(900)
def test_the_whole_demo_meets_every_goal_and_leaves_nothing(mounts: Callable[[], list[str]]) -> None:
    before = (listeners(), interfaces(), mounts())

    done = subprocess.run([*GRIDWIRE, "demo", "-o", "json"], capture_output=True, text=True, timeout=880, check=False)

    shown = json.loads(done.stdout)
    assert [(proof["id"], proof["details"]) for proof in shown["proofs"] if not proof["ok"]] == [], done.stderr
    assert done.returncode == 0
    assert shown["ok"] is True
    details = {proof["id"]: proof["details"] for proof in shown["proofs"]}
    assert len(details) == 10
    assert details["endpoint-churn"]["tables_served"] >= details["endpoint-churn"]["tables_wanted"] >= 200
    assert details["perimeter"]["silent_without_guard"] == []
    assert {host["role"] for host in shown["hosts"]} >= {
        "gateway",
        "edge",
        "operator",
        "client",
        "internet",
        "intruder",
    }
    assert alive(shown["hosts"]) == []
    assert (listeners(), interfaces(), mounts()) == before


@pytest.fixture
def free_state() -> Iterator[None]:
    if kept.find(kept.state_file()) is not None:
        pytest.skip("somebody keeps a grid on this machine")
    yield
    if kept.find(kept.state_file()) is not None:
        kept.end(kept.state_file())


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("free_state")
def test_a_kept_grid_serves_this_host_and_can_be_entered_and_ended(tmp_path: Path) -> None:
    records = tmp_path / "readings.jsonl"
    records.write_text("".join(json.dumps({"id": f"mine-{number}"}) + "\n" for number in range(250)))
    argv = [*GRIDWIRE, "demo", "--only", "join", "--keep", "--serve", "127.0.0.1:0", "--input", str(records)]

    done = subprocess.run([*argv, "-o", "json"], capture_output=True, text=True, timeout=280, check=False)

    shown = json.loads(done.stdout)
    proofs = {proof["id"]: proof for proof in shown["proofs"]}
    assert set(proofs) == {"spread", "join"}
    assert proofs["spread"]["details"]["records_acknowledged"] == 250
    port = re.search(r"localhost:(\d+)", done.stderr)
    assert port is not None
    request = urllib.request.Request(f"http://127.0.0.1:{port[1]}/", headers={"Host": f"api.localhost:{port[1]}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["edge"] in EDGES
    entered = subprocess.run(
        [*GRIDWIRE, "lab", "exec", "edge-1", "--", "sh", "-c", "hostname; exit 7"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (entered.stdout.strip(), entered.returncode) == ("edge-1", 7)
    again = subprocess.run([*GRIDWIRE, "demo", "--keep"], capture_output=True, text=True, check=False)
    assert (again.returncode, "kept running already" in again.stderr) == (1, True)

    assert subprocess.run([*GRIDWIRE, "lab", "down"], capture_output=True, check=False).returncode == 0
    assert alive(shown["hosts"]) == []
    assert not kept.state_file().parent.exists()


@pytest.mark.timeout(120)
def test_ctrl_c_takes_everything_away() -> None:
    # What a shell without job control starts in its background ignores SIGINT, and all that it starts too.
    argv = ["env", "--default-signal=INT", *GRIDWIRE, "demo", "--only", "join"]
    demo = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert demo.stderr is not None
    with demo.stderr:
        for line in demo.stderr:
            if b"joining" in line:
                break
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
        assert children
        demo.send_signal(signal.SIGINT)
        demo.stderr.read()

    assert demo.wait(30) == 130
    until(lambda: not any(kept.start_ticks(int(pid)) for pid in children), "the hosts to be gone", timeout=10)


def test_the_weak_host_is_seen_and_drawn(tmp_path: Path) -> None:
    card = tmp_path / "card.svg"

    done = subprocess.run(
        [*GRIDWIRE, "demo", "weak-host", "--card", str(card), "-o", "json"], capture_output=True, text=True, check=False
    )

    seen = json.loads(done.stdout)
    assert (done.returncode, seen["bare"], seen["guarded"]) == (0, 200, None)
    assert "HTTP 200" in card.read_text()


def test_the_list_says_what_runs_and_who_may_run_it() -> None:
    said = subprocess.run([*GRIDWIRE, "demo", "--list"], capture_output=True, text=True, check=True).stdout

    assert all(name in said for name in ("join", "perimeter", "start-order"))
    assert "you are root" in said
