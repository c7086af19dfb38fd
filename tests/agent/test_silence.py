"""Dead or only slow: what the readings of the device say, moment by moment."""

from __future__ import annotations

from gridwire.agent.silence import Silences


def silent(silences: Silences, began: float, *, out: bool = True, node: str = "edge") -> bool:
    """A check that began then and got nothing within a second."""
    return silences.unanswered(node, began=began, now=began + 1, out=out)


def test_two_readings_a_second_apart_and_a_check_between_them() -> None:
    silences = Silences()
    assert silent(silences, 0.0, out=False)
    assert silences.read({"edge": 500}, 1.01) == ()
    assert silent(silences, 1.1)
    assert silences.read({"edge": 500}, 2.11) == ("edge",)
    assert not silent(silences, 2.2), "it is dead already"


def test_a_check_that_began_before_the_first_reading_proves_nothing() -> None:
    """Its acknowledgements may be in that reading."""
    silences = Silences()
    silent(silences, 0.0, out=False)
    silences.read({"edge": 500}, 1.01)
    assert not silent(silences, 0.9)
    assert silences.read({"edge": 500}, 1.91) == ()
    assert silent(silences, 1.02)


def test_short_timeouts_do_not_make_it_hasty() -> None:
    silences = Silences()
    assert silences.unanswered("edge", began=0.0, now=0.05, out=False)
    silences.read({"edge": 500}, 0.06)
    assert not silences.unanswered("edge", began=0.2, now=0.25, out=True)
    assert silences.unanswered("edge", began=1.0, now=1.07, out=True)
    assert silences.read({"edge": 500}, 1.08) == ("edge",)


def test_an_edge_that_nginx_still_sends_to_is_not_dead() -> None:
    silences = Silences()
    silent(silences, 0.0, out=False)
    silences.read({"edge": 500}, 1.01)
    assert not silent(silences, 1.1, out=False)
    assert silences.read({"edge": 500}, 2.11) == ()


def test_bytes_that_moved_begin_the_silence_anew() -> None:
    silences = Silences()
    silent(silences, 0.0)
    silences.read({"edge": 500}, 1.01)
    silent(silences, 1.1)
    assert silences.read({"edge": 532}, 2.11) == ()
    assert not silent(silences, 1.9)
    assert silent(silences, 2.2)
    assert silences.read({"edge": 96}, 3.21) == (), "a peer that was made anew counts from nothing"
    assert silent(silences, 3.3)
    assert silences.read({"edge": 96}, 4.31) == ("edge",)


def test_a_tunnel_of_our_own_that_was_made_anew_is_no_dead_edge_until_it_had_time_to_call_twice() -> None:
    silences = Silences()
    silent(silences, 0.0)
    silences.read({"edge": 500}, 1.01)
    silent(silences, 1.1)
    assert silences.read({"edge": 0}, 2.11) == ()
    for second in range(3, 8):
        assert not silent(silences, second - 0.9)
    assert silent(silences, 7.2)
    assert silences.read({"edge": 0}, 8.21) == ("edge",), "and what hangs there is ended at last"


def test_one_answer_ends_the_silence() -> None:
    silences = Silences()
    silent(silences, 0.0)
    silences.read({"edge": 500}, 1.01)
    silences.answered("edge")
    assert silent(silences, 1.1)
    assert silences.read({"edge": 500}, 2.11) == ()


def test_a_node_that_is_no_peer_any_more_is_left_to_its_revocation() -> None:
    silences = Silences()
    silent(silences, 0.0)
    assert silences.read({}, 1.01) == ()
    silent(silences, 1.1)
    assert silences.read({"other": 1}, 2.11) == ()
    silences.keep(())
    assert silent(silences, 3.0)
