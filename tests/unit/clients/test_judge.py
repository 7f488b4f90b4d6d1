"""What is said of a client that we did not write."""

from __future__ import annotations

from tests.clients.judge import Posted, Shown, find, read_line

FAULT_AT = 100.0
POSTED = {seq: Posted(90.0 + 2 * seq, f"text {seq}") for seq in range(1, 11)}


def screen(*seqs: int, late_s: float = 0.1) -> list[Shown]:
    return [Shown(POSTED[seq].at + late_s, seq, POSTED[seq].text) for seq in seqs]


def test_each_comment_once_in_order_is_whole_from_the_first_that_is_shown() -> None:
    found = find(screen(*range(3, 11)), POSTED, FAULT_AT)
    assert found.whole
    assert found.text() == "0.1 s"


def test_a_client_that_shows_nothing_is_not_whole() -> None:
    assert not find([], POSTED, FAULT_AT).whole
    assert find([], POSTED, FAULT_AT).text() == "shows nothing"


def test_lost_repeated_and_disordered_comments_are_told() -> None:
    found = find(screen(1, 2, 5, 4, 4, 8, 10), POSTED, FAULT_AT)
    assert (found.lost, found.repeated, found.disordered) == (4, 1, 1)
    assert not found.whole


def test_a_client_that_stops_is_not_said_to_have_lost_the_rest() -> None:
    found = find(screen(*range(1, 6)), POSTED, FAULT_AT)
    assert (found.stopped, found.lost, found.whole) == (True, 0, False)


def test_another_text_is_garbled() -> None:
    shown = [*screen(*range(1, 10)), Shown(110.1, 10, "grÃ¼Ã\x9fe")]
    assert find(shown, POSTED, FAULT_AT).garbled == 1


def test_a_line_that_is_half_a_comment_is_garbled_and_the_librarys_own_words_are_not() -> None:
    half = read_line(b'1700000000000 {"seq":3,"te\n')
    assert half is not None
    assert find([*screen(*range(1, 11)), half], POSTED, FAULT_AT).garbled == 1
    assert read_line(b"Response ended prematurely\n") is None


def test_what_is_held_back_before_the_fault_is_late_and_after_it_an_outage() -> None:
    shown = [*screen(1), *screen(2, late_s=1.5), *screen(*range(3, 10)), *screen(10, late_s=4.0)]
    found = find(shown, POSTED, FAULT_AT)
    assert round(found.late_s, 3) == 1.5
    assert round(found.outage_s, 3) == 4.0
