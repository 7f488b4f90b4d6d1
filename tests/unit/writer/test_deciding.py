"""The order of the rules, and for how long what was used up counts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from identity.roles import Rank
from wire.comment import NewComment
from wire.rulings import REPEATS_WITHIN_S, Settings
from writer.deciding import Decider
from writer.rules import Rules, paces

NOW = 1_800_000_000_000
ANN = NewComment("Ann", "hi", "u_ann", rank=Rank.VIEWER)
CASES = [
    (Settings(repeats=False), REPEATS_WITHIN_S, "duplicate"),
    (Settings(slow_mode_s=2), 2, "slow_mode"),
]


def decider(settings: Settings, used: Mapping[str, int], now_ms: int = NOW) -> Decider:
    return Decider(now_ms, Rules(settings), lambda _: None, lambda _: used)


@pytest.mark.parametrize(("settings", "within_s", "code"), CASES)
def test_what_is_used_counts_to_the_millisecond(
    settings: Settings, within_s: int, code: str
) -> None:
    (pace,) = paces(Rules(settings), ANN)
    for ago_ms in (0, 1, within_s * 1000 - 1):
        refusal = decider(settings, {pace.slot: NOW - ago_ms}).refuse(ANN)
        assert refusal is not None
        assert (refusal.code, refusal.wait_ms) == (code, within_s * 1000 - ago_ms)
    last = decider(settings, {pace.slot: NOW - within_s * 1000})
    assert last.refuse(ANN) is None
    assert last.taken == {pace.slot: within_s * 1000}
    assert last.refuse(ANN) is not None  # the next one of the same group


@pytest.mark.parametrize(("settings", "within_s", "code"), CASES)
def test_a_clock_that_is_ahead_elsewhere_does_not_let_pass(
    settings: Settings, within_s: int, code: str
) -> None:
    (pace,) = paces(Rules(settings), ANN)
    refusal = decider(settings, {pace.slot: NOW + 500}).refuse(ANN)
    assert refusal is not None
    assert (refusal.code, refusal.wait_ms) == (code, within_s * 1000 + 500)
