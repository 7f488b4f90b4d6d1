"""Entries in a row, stored together as lines."""

from __future__ import annotations

from collections.abc import Sequence

Row = tuple[int, bytes]  # number of the last entry, the entries as lines


def unpack(row: Row) -> tuple[int, list[bytes]]:
    """The number of a row's first comment, and its comments."""
    last, lines = row
    raws = lines.split(b"\n")
    return last - len(raws) + 1, raws


def consecutive(rows: Sequence[Row], after: int, through: int) -> tuple[int, list[bytes]]:
    """The newest unbroken run of comments in ascending `rows`, cut to after < seq <= through; the
    number of its first one.

    A hole can only come from retention: rows written while it was on go before older ones that
    were written while it was off. What lies before the hole counts as gone too.
    """
    first, found = after + 1, list[bytes]()
    for row in rows:
        row_first, raws = unpack(row)
        if row_first > first + len(found):
            first, found = row_first, []
        found += raws[first + len(found) - row_first :]
    return first, found[: max(through - first + 1, 0)]
