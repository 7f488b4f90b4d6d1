from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.ids import MAX_SEQ
from writer.dynamodb.layout import MAX_GROUP_BYTES as SIZE
from writer.dynamodb.layout import (
    MAX_ITEM_BYTES,
    Marks,
    group_item,
    log_key,
    stored_group,
)
from writer.stepwise.group import Group, Sent
from writer.store import MAX_GROUP


def sent(head: int, *raws: bytes) -> Sent:
    return Sent("v", Group(head, list(raws)), b"token")


@given(st.lists(st.binary(max_size=2_000).map(lambda raw: raw.replace(b"\n", b"")), min_size=1))
def test_a_group_is_read_as_it_was_stored(raws: list[bytes]) -> None:
    one = sent(7, *raws)
    one.group.keys["k"] = (8, b"digest")
    one.group.slots["slot"] = (1_000, 60)
    group = stored_group(group_item(one, 5.0))
    assert (group.first, group.last, group.token, group.version) == (8, 7 + len(raws), b"token", 0)
    assert [group.raw(seq) for seq in range(8, 8 + len(raws))] == raws
    assert group.marks == Marks({"k": (8, b"digest")}, {"slot": 1_000})
    assert not group.gone


def test_what_repeats_itself_is_stored_smaller() -> None:
    item = group_item(sent(0, *[b'{"text":"hello"}'] * 200), 5.0)
    assert len(item["body"]["B"]) < 500
    assert item["z"] == {"N": "1"}
    assert group_item(sent(0, b'{"text":"hello"}'), 5.0)["z"] == {"N": "0"}


def test_the_largest_group_leaves_room_in_an_item() -> None:
    """Beside its entries: a key and two slots of each comment, and one comment too many."""
    beside = MAX_GROUP * (128 + 2 * (32 + 10) + 16 + 20)
    assert beside < SIZE, "or they would count more than what they are counted as"
    assert SIZE + 16 * 1024 < MAX_ITEM_BYTES


@pytest.mark.parametrize(("lower", "higher"), [(1, 2), (9, 10), (999, 1_000), (2, MAX_SEQ)])
def test_the_order_of_keys_is_that_of_numbers(lower: int, higher: int) -> None:
    assert log_key("v", lower)["sk"]["S"] < log_key("v", higher)["sk"]["S"]
