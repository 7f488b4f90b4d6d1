from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from writer.cassandra.layout import MAX_PACK, Buckets, key_shard, pack
from writer.stepwise.lines import Row, consecutive, unpack


def raws(first: int, last: int) -> list[bytes]:
    return [b"%d" % seq for seq in range(first, last + 1)]


def test_a_bucket_holds_twenty_thousand_numbers() -> None:
    buckets = Buckets()
    assert [buckets.of(seq) for seq in (1, 20_000, 20_001, 40_000)] == [0, 0, 1, 1]
    assert [buckets.after(head) for head in (0, 19_999, 20_000)] == [0, 0, 1]
    assert (buckets.head_before(1), buckets.last(0), buckets.last(1)) == (20_000, 20_000, 40_000)


def test_spans_never_cross_an_edge_and_are_not_too_long() -> None:
    assert list(Buckets(10).spans(7, 25, 6)) == [
        (0, 7, 10),
        (1, 10, 16),
        (1, 16, 20),
        (2, 20, 25),
    ]
    assert list(Buckets(10).spans(5, 5, 6)) == []


@given(st.integers(0, 10**12), st.integers(1, 3 * MAX_PACK))
def test_packs_hold_every_comment_once_and_in_order(head: int, count: int) -> None:
    rows = pack(head + 1, raws(head + 1, head + count))
    assert all(len(unpack(row)[1]) <= MAX_PACK for row in rows)
    assert consecutive(rows, head, head + count) == (head + 1, raws(head + 1, head + count))


@given(st.data())
def test_any_part_of_any_packs_can_be_read(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))
    rows: list[Row] = []
    for size in sizes:
        first = rows[-1][0] + 1 if rows else 1
        rows += pack(first, raws(first, first + size - 1))
    head = sum(sizes)
    after = data.draw(st.integers(0, head))
    through = data.draw(st.integers(after, head))
    seen = [row for row in rows if row[0] > after]
    assert consecutive(seen, after, through) == (after + 1, raws(after + 1, through))


def test_rows_read_twice_count_once() -> None:
    rows = [*pack(1, raws(1, 4)), *pack(5, raws(5, 9))]
    assert consecutive([rows[0], rows[1], rows[1], rows[0]], 0, 9) == (1, raws(1, 9))


def test_what_lies_before_a_hole_counts_as_gone() -> None:
    rows = [*pack(1, raws(1, 4)), *pack(8, raws(8, 9))]
    assert consecutive(rows, 0, 9) == (8, raws(8, 9))
    assert consecutive(rows[1:], 2, 9) == (8, raws(8, 9))


def test_nothing_stored_is_an_empty_run() -> None:
    assert consecutive([], 3, 9) == (4, [])
    assert consecutive(pack(8, raws(8, 9)), 3, 7) == (8, [])


def test_a_keys_shard_is_the_same_in_every_process() -> None:
    assert [key_shard(key) for key in ("a", "b", "key-1")] == [3, 9, 10]
