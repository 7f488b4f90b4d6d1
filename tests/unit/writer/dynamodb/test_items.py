from __future__ import annotations

from wire.ids import MAX_SEQ
from writer.dynamodb.items import b, bytes_in, is_gone, is_past, key, n, number_in, seq_key, seq_of


def test_sort_keys_of_numbers_are_in_their_order() -> None:
    numbers = [0, 1, 9, 10, 99, 20_000, MAX_SEQ]
    assert sorted(map(seq_key, reversed(numbers))) == list(map(seq_key, numbers))
    assert [seq_of(key("p", seq_key(number))) for number in numbers] == numbers


def test_attributes_that_are_not_there() -> None:
    item = {"a": n(7), "b": b(b"x")}
    assert (number_in(item, "a"), number_in(item, "c")) == (7, None)
    assert (bytes_in(item, "b"), bytes_in(item, "c")) == (b"x", None)


def test_what_is_past_its_time_is_gone() -> None:
    assert [is_past(ttl, 100.5) for ttl in (None, 99, 100, 101)] == [False, True, True, False]
    assert is_gone({"ttl": n(1)})
    assert not is_gone({})
