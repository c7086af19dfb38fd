"""Other programs, run to their end."""

from __future__ import annotations

import sys

import pytest

from gridwire.adapters.programs import run
from gridwire.core.errors import Unavailable


def test_a_program_is_run_to_its_end_with_text_in_and_out() -> None:
    done = run([sys.executable, "-c", "import sys; print(sys.stdin.read()[::-1]); sys.exit(3)"], "abc")
    assert (done.code, done.stdout.strip()) == (3, "cba")


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(Unavailable, match="apt install wireguard-tools"):
        run(["/nonexistent/wg", "show"])
    with pytest.raises(Unavailable, match="did not end within"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.2)


def test_answers_are_in_english_and_nothing_else_of_the_environment_is_seen_unless_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("SECRET", "x")
    script = [sys.executable, "-c", "import os; print(os.environ.get('LC_ALL'), os.environ.get('SECRET'))"]
    assert run(script).stdout.split() == ["C", "x"]
    assert run(script, env={"PATH": "/usr/bin"}).stdout.split() == ["C", "None"]


def test_what_a_program_complains_of_is_one_line() -> None:
    script = "import sys; print('out'); sys.stderr.write('no\\n  such zone\\n'); sys.exit(1)"
    assert run([sys.executable, "-c", script]).said == "no such zone"
    assert run([sys.executable, "-c", "raise SystemExit(7)"]).said == "exit code 7"
