"""In which portions many comments are hidden."""

from __future__ import annotations

from writer.stepwise.packs import FIRST_PORTION, Entries, Pack, in_portions


def packs(*lasts: int) -> Entries:
    return Entries(packs={last: Pack(last, b"", None) for last in lasts})


def test_the_first_portion_is_small_and_each_is_twice_as_large_as_the_one_before() -> None:
    portions = list(in_portions([seq] for seq in range(500)))
    assert [len(some) for some in portions] == [20, 40, 80, 160, 200]
    assert [seq for some in portions for seq in some] == list(range(500))
    assert list(in_portions([])) == []


def test_what_is_in_one_pack_is_in_one_portion() -> None:
    entries = packs(15, 30, 100, 101)
    seqs = [101, *range(28, 101), *range(3, 16)]
    assert list(entries.portions(seqs)) == [[*range(3, 16), *range(28, 31), *range(31, 101)], [101]]
    assert len(range(3, 16)) + len(range(28, 31)) < FIRST_PORTION
