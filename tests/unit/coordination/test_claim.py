"""What writers say of their stores, and who of them gives way."""

from __future__ import annotations

import itertools
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.claim import (
    Claim,
    ClaimJudge,
    Standing,
    Verdict,
    decode_claim,
    encode_claim,
    ordered,
)

BOOT_ID = "000000000000002-0123abcd"
CLAIM = Claim(BOOT_ID, "writer-1", "10.0.0.7", "abcdefghij01")
PATIENCE_S = 12.0


def claim(order: int, store: str, boot: int = 0) -> Claim:
    boot_id = f"{boot or order:015d}-00000000"
    return Claim(boot_id, f"w{order}", f"10.0.0.{order}", store * 12, order)


def test_a_claim_comes_back_with_the_transaction_that_made_it() -> None:
    assert decode_claim(BOOT_ID, encode_claim(CLAIM), 17) == ordered(CLAIM, 17)


def test_a_claim_that_is_made_anew_keeps_its_order() -> None:
    again = encode_claim(ordered(CLAIM, 17))
    assert decode_claim(BOOT_ID, again, 99) == ordered(CLAIM, 17)
    assert ordered(ordered(CLAIM, 17), 99) == ordered(CLAIM, 17)


def test_an_order_of_a_zookeeper_that_has_lost_all_does_not_count() -> None:
    """It counts its transactions anew, so whoever came since would be before all others."""
    again = encode_claim(ordered(CLAIM, 5_000))
    assert decode_claim(BOOT_ID, again, 30) == ordered(CLAIM, 30)
    assert ordered(ordered(CLAIM, 5_000), 30) == ordered(CLAIM, 30)


def test_data_without_an_order_are_those_of_a_first_claim() -> None:
    data = msgspec.json.decode(encode_claim(CLAIM))
    del data["order"]
    assert decode_claim(BOOT_ID, msgspec.json.encode(data), 17) == ordered(CLAIM, 17)


def test_a_newer_writer_may_say_more() -> None:
    data = msgspec.json.decode(encode_claim(CLAIM)) | {"zone": "b"}
    assert decode_claim(BOOT_ID, msgspec.json.encode(data), 17) == ordered(CLAIM, 17)


@pytest.mark.parametrize(
    "change",
    [
        {"writer": ""},
        {"writer": "W 1"},
        {"host": ""},
        {"host": "a/b"},
        {"host": "0.0.0.0"},
        {"host": 7},
        {"epoch": ""},
        {"epoch": "short"},
        {"epoch": "ABCDEFGHIJ01"},
        {"epoch": None},
        {"order": -1},
        {"order": 2**63},
        {"order": "1"},
        {"more": "x" * 1024},
    ],
)
def test_a_claim_with_anything_wrong_is_junk(change: dict[str, object]) -> None:
    data = msgspec.json.decode(encode_claim(CLAIM)) | change
    assert decode_claim(BOOT_ID, msgspec.json.encode(data), 17) is None


def test_a_claim_under_another_name_than_a_boot_id_is_junk() -> None:
    assert decode_claim("writer-1", encode_claim(CLAIM), 17) is None


def test_a_member_is_no_claim() -> None:
    member = b'{"host":"10.0.0.7","port":7443,"boot_id":"000000000000002-0123abcd","version":"1"}'
    assert decode_claim(BOOT_ID, member, 17) is None


@given(st.binary(max_size=2_000))
def test_junk_never_raises(data: bytes) -> None:
    decode_claim(BOOT_ID, data, 1)


def judged(own: Claim, *others: Claim, judge: ClaimJudge | None = None, now: float = 0) -> Verdict:
    return (judge or ClaimJudge(PATIENCE_S)).judge(own, [own, *others], now)


def test_one_store_is_what_should_be() -> None:
    assert judged(claim(3, "a"), claim(1, "a"), claim(2, "a")) == Verdict(Standing.GOES_ON)


def test_the_first_goes_on_and_names_the_other() -> None:
    later = claim(2, "b")
    assert judged(claim(1, "a"), later) == Verdict(Standing.GOES_ON, later)


def test_clocks_do_not_count() -> None:
    """The later one's clock is a year behind."""
    first, later = claim(1, "a", boot=9), claim(2, "b", boot=1)
    assert judged(first, later).standing is Standing.GOES_ON
    assert judged(later, first).standing is Standing.WAITS


def test_the_later_one_waits_for_a_session_to_end_and_then_refuses() -> None:
    judge, own, first = ClaimJudge(PATIENCE_S), claim(2, "b"), claim(1, "a")
    assert judged(own, first, judge=judge, now=100) == Verdict(Standing.WAITS, first)
    assert judged(own, first, judge=judge, now=111.9) == Verdict(Standing.WAITS, first)
    assert judged(own, first, judge=judge, now=112) == Verdict(Standing.REFUSES, first)


def test_the_later_one_goes_on_when_the_other_is_gone() -> None:
    judge, own = ClaimJudge(PATIENCE_S), claim(2, "b")
    judged(own, claim(1, "a"), judge=judge, now=100)
    assert judged(own, judge=judge, now=112) == Verdict(Standing.GOES_ON)


def test_each_that_stands_before_is_waited_for() -> None:
    """Writers that were killed one after the other are forgotten one after the other."""
    judge, own, first, second = ClaimJudge(PATIENCE_S), claim(3, "c"), claim(1, "a"), claim(2, "a")
    judged(own, first, second, judge=judge, now=0)
    assert judged(own, second, judge=judge, now=11) == Verdict(Standing.WAITS, second)
    assert judged(own, second, judge=judge, now=22).standing is Standing.WAITS
    assert judged(own, second, judge=judge, now=23).standing is Standing.REFUSES


def test_a_zookeeper_that_was_away_lets_the_dead_live_longer() -> None:
    judge, own, first = ClaimJudge(PATIENCE_S), claim(2, "b"), claim(1, "a")
    judged(own, first, judge=judge, now=0)
    judge.reconnected(10)
    assert judged(own, first, judge=judge, now=21).standing is Standing.WAITS
    assert judged(own, first, judge=judge, now=22).standing is Standing.REFUSES


def test_nobody_refuses_because_of_one_that_has_to_give_way_itself() -> None:
    """The second has another store than the first, and will end; the third has the first's."""
    judge, first, second, own = ClaimJudge(PATIENCE_S), claim(1, "a"), claim(2, "b"), claim(3, "a")
    assert judged(own, first, second, judge=judge, now=0) == Verdict(Standing.WAITS, second)
    assert judged(own, first, second, judge=judge, now=60).standing is Standing.WAITS
    assert judged(own, first, judge=judge, now=61) == Verdict(Standing.GOES_ON)


def test_one_that_gave_way_to_the_dead_counts_once_these_are_gone() -> None:
    judge, first, second, own = ClaimJudge(PATIENCE_S), claim(1, "a"), claim(2, "b"), claim(3, "a")
    judged(own, first, second, judge=judge, now=0)
    assert judged(own, second, judge=judge, now=11).standing is Standing.WAITS
    assert judged(own, second, judge=judge, now=12).standing is Standing.REFUSES


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_those_that_live_end_with_the_store_of_the_first(
    stores: list[str], chance: random.Random
) -> None:
    """All live; in whatever order they look, those that go on have one store, the first's."""
    claims = [claim(order, store) for order, store in enumerate(stores, 1)]
    judges = {one.boot_id: ClaimJudge(PATIENCE_S) for one in claims}
    went_on: set[str] = set()
    for step in itertools.count():
        one = chance.choice(claims)
        verdict = judges[one.boot_id].judge(one, claims, step)
        if verdict.standing is Standing.REFUSES:
            claims.remove(one)
        elif verdict.standing is Standing.GOES_ON:
            went_on.add(one.boot_id)
        if went_on == {each.boot_id for each in claims}:
            break
    assert [each.epoch for each in claims] == [s * 12 for s in stores if s == stores[0]]
