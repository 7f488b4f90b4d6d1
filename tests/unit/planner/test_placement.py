"""The placement of any number of viewers, against one that walks through every stream."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from planner.gateway_hash import BoundedLoad, Ring
from planner.placement import (
    HASH,
    ROUND_ROBIN,
    Audience,
    Audiences,
    Rules,
    beats_per_s,
    imbalance,
    place,
)

RULES = Rules(
    linger_s=0.0,
    batches_per_s=lambda rate: rate,
    active_for_s=60.0,
    active_every_s=2.0,
    quiet_every_s=10.0,
    beat_after_s=5.0,
    rounds_per_s=lambda rate, _viewers: rate,
)
STAY_S = 100.0


def zipf(videos: int, exponent: float = 1.0) -> list[float]:
    weights = [rank**-exponent for rank in range(1, videos + 1)]
    return [weight / sum(weights) for weight in weights]


def audience_of(viewers: float, shares: list[float], comments_per_s: float = 10.0) -> Audiences:
    def every() -> Iterator[Audience]:
        for rank, share in enumerate(shares):
            yield Audience("video-", rank, 1, viewers * share, comments_per_s * share, 1 / STAY_S)

    return every


def exact(viewers: int, nodes: int, shares: list[float], turns: int = 4) -> tuple[list[int], float]:
    """Streams that come and go one by one: the load of each node, and registrations on average."""
    chance = random.Random(5)
    gateway = BoundedLoad(Ring(nodes))
    names = [f"video-{rank}" for rank in range(len(shares))]
    streams = [(name, gateway.place(name)) for name in chance.choices(names, shares, k=viewers)]
    held = Counter(streams)
    seen = []
    arrivals = chance.choices(names, shares, k=turns * viewers)
    for turn, name in enumerate(arrivals):
        place_of = chance.randrange(viewers)
        left = streams[place_of]
        gateway.leave(left[1])
        held[left] -= 1
        streams[place_of] = (name, gateway.place(name))
        held[streams[place_of]] += 1
        if turn >= viewers and turn % (viewers // 10) == 0:
            seen.append(sum(1 for count in held.values() if count > 0))
    return gateway.served, sum(seen) / len(seen)


@pytest.mark.parametrize(
    ("viewers", "nodes", "videos", "exponent"),
    [(4_000, 10, 200, 1.0), (3_000, 16, 30, 1.2), (2_000, 5, 1_000, 0.0)],
)
def test_it_agrees_with_streams_placed_one_by_one(
    viewers: int, nodes: int, videos: int, exponent: float
) -> None:
    shares = zipf(videos, exponent)
    served, registrations = exact(viewers, nodes, shares)
    placement = place(audience_of(viewers, shares), nodes, HASH, RULES)
    assert placement.registrations == pytest.approx(registrations, rel=0.05)
    predicted = placement.loads.viewers
    for mine, theirs in zip(predicted, served, strict=True):
        assert mine == pytest.approx(theirs, rel=0.1, abs=4 * (viewers / nodes) ** 0.5)


@pytest.mark.parametrize("how", [HASH, ROUND_ROBIN])
def test_nothing_is_lost_on_the_way(how: str) -> None:
    shares = zipf(500)
    placement = place(audience_of(100_000, shares), 40, how, RULES)
    assert sum(placement.loads.viewers) == pytest.approx(100_000)
    assert sum(placement.loads.registrations) == pytest.approx(placement.registrations)
    assert sum(placement.loads.comments) == pytest.approx(placement.copies)
    expected = sum(100_000 * share * 10.0 * share for share in shares)
    assert sum(placement.loads.deliveries) == pytest.approx(expected)
    assert placement.comments == pytest.approx(10.0)


def test_no_node_holds_more_than_the_bound() -> None:
    placement = place(audience_of(50_000, zipf(20, 1.5)), 30, HASH, RULES)
    assert placement.imbalance <= 1.2501
    assert placement.widest > 10  # the hot video did spread


def test_round_robin_is_even_and_costs_more_registrations() -> None:
    audience = audience_of(50_000, zipf(1_000))
    even, hashed = (place(audience, 50, how, RULES) for how in (ROUND_ROBIN, HASH))
    assert even.imbalance == pytest.approx(1.0)
    assert even.registrations > 3 * hashed.registrations
    assert even.copies_per_comment > 3 * hashed.copies_per_comment
    assert even.videos == pytest.approx(hashed.videos)


def test_one_node_serves_every_video_once() -> None:
    for how in (HASH, ROUND_ROBIN):
        placement = place(audience_of(10_000, zipf(10)), 1, how, RULES)
        assert placement.registrations == pytest.approx(10.0)
        assert placement.copies_per_comment == pytest.approx(1.0)


def test_a_linger_holds_more_registrations_and_changes_fewer() -> None:
    audience = audience_of(300, zipf(300, 0.0))
    without = place(audience, 10, HASH, RULES)
    with_linger = place(audience, 10, HASH, replace(RULES, linger_s=50.0))
    assert with_linger.registrations > without.registrations
    assert with_linger.appearing < without.appearing


def test_viewers_and_nodes_only_ever_add_registrations() -> None:
    shares = zipf(300)
    by_viewers = [
        place(audience_of(viewers, shares), 20, HASH, RULES).registrations
        for viewers in (100, 1_000, 10_000, 100_000)
    ]
    by_nodes = [
        place(audience_of(10_000, shares), nodes, ROUND_ROBIN, RULES).registrations
        for nodes in (1, 10, 100, 1_000)
    ]
    assert by_viewers == sorted(by_viewers)
    assert by_nodes == sorted(by_nodes)


def test_a_stream_is_beaten_only_in_silence() -> None:
    assert beats_per_s(5.0, 0.0) == pytest.approx(0.2)
    assert beats_per_s(5.0, 0.01) == pytest.approx(0.2, rel=0.05)
    assert beats_per_s(5.0, 10.0) < 1e-9
    assert beats_per_s(5.0, 1e9) == pytest.approx(0.0)


def test_nobody_at_all_is_placed_as_nothing() -> None:
    for how in (HASH, ROUND_ROBIN):
        placement = place(audience_of(0, zipf(5)), 3, how, RULES)
        assert placement.registrations == 0
        assert imbalance(placement.loads.viewers) == 1.0


def test_an_unknown_placement_is_refused() -> None:
    with pytest.raises(ValueError, match="no placement"):
        place(audience_of(1, [1.0]), 1, "by_hand", RULES)
