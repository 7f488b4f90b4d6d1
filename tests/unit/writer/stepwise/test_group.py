from __future__ import annotations

import pytest

from wire.comment import NewComment
from writer.idempotency import Earlier, body_digest
from writer.stepwise.group import Group, Known, Room, Verdict, judge, number
from writer.store import Item, Outcome

MINE, OTHER = b"mine", b"other"


def item(text: str, key: str | None = None) -> Item:
    return Item(NewComment("ann", text), key, "now")


def encode(seq: int, comment: NewComment, created_at: str) -> bytes:
    return f"{seq}:{comment.text}".encode()


def numbered(*items: Item, head: int = 10, room: int = 100, **known: Earlier) -> Group:
    return number(list(enumerate(items)), head, Room(room), Known(known, ["unsearched"]), encode)


def outcomes(group: Group) -> list[tuple[str, int]]:
    told = [result for _, result in sorted(group.results.items())]
    assert None not in told
    return [(result.outcome.value, result.seq) for result in told if result is not None]


def test_items_are_numbered_after_the_head_in_their_order() -> None:
    group = numbered(item("a"), item("b"))
    assert group.raws == [b"11:a", b"12:b"]
    assert group.new_head == 12
    assert outcomes(group) == [("new", 11), ("new", 12)]


def test_equal_keys_of_a_group_fold_into_one_comment() -> None:
    group = numbered(item("a", "k"), item("a", "k"), item("b", "k"), item("c"))
    assert outcomes(group) == [("new", 11), ("replayed", 11), ("conflict", 0), ("new", 12)]
    assert group.keys == {"k": (11, body_digest(NewComment("ann", "a")))}


def test_a_known_key_takes_no_number() -> None:
    earlier = Earlier(3, body_digest(NewComment("ann", "a")), b"3:a")
    group = numbered(item("a", "k"), item("b", "k"), k=earlier)
    assert outcomes(group) == [("replayed", 3), ("conflict", 0)]
    assert (group.raws, group.keys, group.new_head) == ([], {}, 10)


def test_a_key_of_which_nobody_knows_takes_no_number_and_has_no_result() -> None:
    group = numbered(item("a", "unsearched"), item("b"), item("c", "unsearched"), item("d", "k"))
    assert group.raws == [b"11:b", b"12:d"]
    assert [group.results[place] is None for place in range(4)] == [True, False, True, False]
    assert list(group.keys) == ["k"]


def test_a_group_is_cut_where_the_bucket_ends() -> None:
    items = [item("a"), item("b"), item("c", "k"), item("d")]
    group = numbered(*items, room=2)
    assert group.raws == [b"11:a", b"12:b"]
    assert list(group.rest) == [(2, items[2]), (3, items[3])]
    assert sorted(group.results) == [0, 1]
    assert group.keys == {}


def test_a_group_is_cut_where_its_size_ends() -> None:
    """The comment that reaches the bound is the last one; so there is always one."""
    items = [item("a"), item("b"), item("c", "k")]
    group = number(list(enumerate(items)), 10, Room(100, 200), Known(), encode)
    assert group.raws == [b"11:a", b"12:b"]
    assert list(group.rest) == [(2, items[2])]
    assert len(number(list(enumerate(items)), 10, Room(100, 1), Known(), encode).raws) == 1


def test_what_takes_no_number_does_not_cut_a_group() -> None:
    group = numbered(item("a", "k"), item("a", "k"), room=1)
    assert outcomes(group) == [("new", 11), ("replayed", 11)]
    assert not group.rest


@pytest.mark.parametrize(
    ("head", "found", "verdict"),
    [
        (10, None, Verdict.OPEN),
        (10, OTHER, Verdict.OPEN),  # a row that only now came: the next look settles it
        (12, MINE, Verdict.STORED),
        (90, MINE, Verdict.STORED),  # others have followed
        (12, OTHER, Verdict.LOST),
        (12, None, Verdict.UNKNOWN),  # retention took the row that would tell
        (9, MINE, Verdict.UNKNOWN),  # another store
        (0, None, Verdict.UNKNOWN),
    ],
)
def test_a_group_after_head_10_is_judged(head: int, found: bytes | None, verdict: Verdict) -> None:
    assert judge(10, head, MINE, found, in_doubt=True) is verdict


@pytest.mark.parametrize(
    ("head", "found", "verdict"),
    [
        (12, OTHER, Verdict.LOST),
        (12, None, Verdict.LOST),  # whatever was there
        (0, None, Verdict.UNKNOWN),  # another store
    ],
)
def test_a_group_that_was_refused_each_time_is_judged(
    head: int, found: bytes | None, verdict: Verdict
) -> None:
    assert judge(10, head, MINE, found, in_doubt=False) is verdict


def test_outcomes_are_those_of_every_store() -> None:
    result = numbered(item("a")).results[0]
    assert result is not None
    assert result.outcome is Outcome.NEW
