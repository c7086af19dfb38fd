from __future__ import annotations

from gridwire.agent.dead_man import DeadMan


def armed(at: float, *, heard: float = 100.0, whole: bool = True) -> DeadMan:
    """Armed at that time, and applied a second later."""
    timer = DeadMan(60)
    timer.hear(heard, asked=heard - 1)
    timer.arm(at)
    timer.applied(at + 1, changed=True, whole=whole)
    return timer


def test_silence_after_a_change_is_overdue() -> None:
    timer = armed(101.0)
    assert not timer.overdue(160.9)
    assert timer.remaining(131.0) == 30.0
    assert timer.overdue(161.0)


def test_silence_counts_while_the_change_is_being_made() -> None:
    timer = DeadMan(60)
    timer.hear(100.0, asked=99.0)
    timer.arm(101.0)
    assert not timer.hear(102.0, asked=101.5), "what is not applied yet has shown nothing"
    assert timer.overdue(161.0)


def test_control_that_was_away_before_says_nothing_by_its_silence() -> None:
    never = DeadMan(60)
    never.arm(100.0)
    assert not never.armed
    timer = armed(100.0, heard=10.0)
    assert not timer.armed
    assert not timer.overdue(1e9)


def test_an_answer_to_a_question_from_before_the_change_proves_nothing() -> None:
    timer = armed(101.0)
    assert not timer.hear(102.5, asked=101.5)
    assert timer.overdue(161.0)
    assert timer.hear(162.0, asked=102.5)
    assert not timer.overdue(1e9)


def test_a_part_of_a_spec_cuts_a_node_off_as_well() -> None:
    timer = armed(101.0, whole=False)
    timer.arm(130.0)
    timer.applied(131.0, changed=False, whole=False)
    assert timer.overdue(161.0), "trying again has not begun it anew"


def test_a_part_that_carries_is_no_proof_of_the_rest() -> None:
    timer = armed(101.0, whole=False)
    assert not timer.hear(104.0, asked=103.0)
    assert timer.armed, "it is still on trial"
    assert not timer.overdue(1e9), "and silence says nothing of a part that carried"
    timer.arm(200.0)
    timer.applied(201.0, changed=True, whole=True)
    assert not timer.hear(202.0, asked=200.5)
    assert timer.overdue(261.0)
    assert timer.hear(262.0, asked=203.0)
    assert not timer.armed


def test_what_was_shown_to_be_good_is_not_tried_again_and_the_next_spec_is() -> None:
    timer = armed(101.0)
    assert timer.hear(104.0, asked=103.0)
    timer.arm(105.0)
    assert not timer.armed
    timer.disarm()
    timer.arm(106.0)
    assert timer.armed
