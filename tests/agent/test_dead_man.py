from __future__ import annotations

from gridwire.agent.dead_man import DeadMan


def test_silence_after_a_change_is_overdue() -> None:
    timer = DeadMan(60)
    timer.hear(100.0, asked=99.0)
    assert timer.arm(101.0)
    assert not timer.overdue(160.9)
    assert timer.remaining(131.0) == 30.0
    assert timer.overdue(161.0)


def test_control_that_was_away_before_says_nothing_by_its_silence() -> None:
    assert not DeadMan(60).arm(100.0)
    timer = DeadMan(60)
    timer.hear(10.0, asked=9.0)
    assert not timer.arm(100.0)
    assert not timer.overdue(1e9)


def test_an_answer_to_a_question_from_before_the_change_proves_nothing() -> None:
    timer = DeadMan(60)
    timer.hear(100.0, asked=99.0)
    timer.arm(101.0)
    assert not timer.hear(102.0, asked=100.5)
    assert timer.overdue(161.0)
    assert timer.hear(162.0, asked=101.5)
    assert not timer.overdue(1e9)
