"""From where on a removal has to look for entries that show a comment again."""

from __future__ import annotations

from writer.stepwise.remains import Remains

REMOVED = Remains(b"text", since=8, notice=10, restoring=None, restored=None)


def removed_again(row: Remains, since: int, notice: int | None = None) -> Remains:
    return row._replace(since=since, notice=notice or row.notice)


def test_a_comment_that_was_not_restored_is_shown_by_nothing() -> None:
    assert REMOVED.shown_after is None


def test_a_restoration_shows_it_after_the_head_that_it_began_with() -> None:
    assert REMOVED.begun(13).shown_after == 13
    assert REMOVED.begun(13).ended(15).shown_after == 14


def test_what_a_removal_has_cleaned_is_not_looked_for_again() -> None:
    row = removed_again(REMOVED.begun(13).ended(15), 16, notice=17)
    assert row.shown_after is None
    assert row.begun(18).ended(20).shown_after == 19


def test_a_restoration_that_overtakes_a_removal_does_not_hide_the_entry_before_it() -> None:
    """The removal has hidden the comment, and has not looked for the entry 15 yet."""
    row = removed_again(REMOVED.begun(13).ended(15), 16)
    assert row.known_notice is None
    assert row.begun(18).shown_after == 14
    assert row.begun(18).ended(20).shown_after == 14


def test_two_restorations_at_a_time_do_not_hide_each_others_entries() -> None:
    """The second one begins before the first one has ended, or died; either may be numbered."""
    row = REMOVED.begun(13).begun(15)
    assert (row.restoring, row.shown_after) == (15, 13)
    assert row.ended(17).shown_after == 13
