"""The search for the first comment that retention has left."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from writer.cassandra.layout import MAX_PACK, Buckets, pack
from writer.cassandra.reads import CassandraReads
from writer.stepwise.lines import Row

SIZE = 130


class Rows:
    """Stands for the session: the packs of one video, and how often it was asked."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows, self.reads = rows, 0

    async def call(self, build: Any, *, profile: str) -> list[tuple[int, bytes, bytes]]:
        self.reads += 1
        _, _, bucket, after, before = build(self)
        assert before - after - 1 <= MAX_PACK
        return [
            (last, lines, b"")
            for last, lines in self._rows
            if after < last < before and Buckets(SIZE).of(last) == bucket
        ][:1]

    def read(self, name: str, *values: object, serial: bool = False) -> tuple[object, ...]:
        return name, *values


def packs_of(groups: list[int]) -> list[Row]:
    rows: list[Row] = []
    head = 0
    for group in groups:
        size = min(group, Buckets(SIZE).last(Buckets(SIZE).after(head)) - head)
        rows += pack(head + 1, [b"x"] * size)
        head += size
    return rows


@given(st.lists(st.integers(1, 120), min_size=1, max_size=40), st.data())
async def test_the_oldest_is_found_by_a_few_short_reads(groups: list[int], data: Any) -> None:
    rows = packs_of(groups)
    head, firsts = rows[-1][0], [1, *(last + 1 for last, _ in rows)]
    gone = data.draw(st.integers(0, len(rows)))
    known = firsts[data.draw(st.integers(0, gone))]
    session: Any = Rows(rows[gone:])
    reads = CassandraReads(session, Buckets(SIZE))
    reads._oldest.put("v", (0.0, known))
    assert await reads._fetch_oldest("v", head, trusts=False) == firsts[gone]
    assert session.reads <= 2 * head.bit_length() + 3
