"""HAProxy's way to choose a node, in its own arithmetic."""

from __future__ import annotations

from collections import Counter

import pytest

from planner.gateway_hash import POINTS, BoundedLoad, Ring, avalanche, hash_of

VIDEOS = [f"video-{number}" for number in range(300)]


def test_every_server_has_its_points_and_keeps_them_when_others_come() -> None:
    few, more = Ring(3), Ring(4)
    assert Counter(few.owners) == dict.fromkeys(range(3), POINTS)
    assert [owner for owner in more.owners if owner < 3] == list(few.owners)


def test_a_search_begins_at_the_nearest_point_on_either_side() -> None:
    ring = Ring(5)
    keys = sorted(avalanche(n * 4096 + point) for n in range(1, 6) for point in range(POINTS))
    around = 1 << 32
    for video_id in VIDEOS:
        hashed = hash_of(video_id)
        gaps = [min((key - hashed) % around, (hashed - key) % around) for key in keys]
        assert gaps[ring.start(hashed)] == min(gaps)


def test_hashes_are_32_bits_and_spread() -> None:
    hashes = {hash_of(video_id) for video_id in VIDEOS}
    assert len(hashes) == len(VIDEOS)
    assert all(0 <= hashed < 1 << 32 for hashed in hashes)
    upper = sum(hashed >> 31 for hashed in hashes)
    assert 0.4 < upper / len(VIDEOS) < 0.6


def test_a_video_stays_on_its_node_while_there_is_room() -> None:
    gateway = BoundedLoad(Ring(4))
    for video_id in VIDEOS:
        gateway.place(video_id)
    roomy = BoundedLoad(Ring(4), factor_percent=10_000)
    first = roomy.place("video-1")
    assert [roomy.place("video-1") for _ in range(20)] == [first] * 20


def test_no_node_gets_more_than_its_share() -> None:
    gateway = BoundedLoad(Ring(7))
    for number in range(2_000):
        gateway.place("hot")
        total = number + 1
        assert max(gateway.served) <= -(-total * 125 // 100) // 7 + 1
    assert sum(gateway.served) == 2_000
    assert sum(map(bool, gateway.served)) >= 6  # fewer could not hold them


def test_a_stream_that_ends_makes_room_where_it_was() -> None:
    gateway = BoundedLoad(Ring(3))
    servers = [gateway.place("hot") for _ in range(90)]
    gateway.leave(servers[0])
    assert gateway.place("hot") == servers[0]


@pytest.mark.parametrize("servers", [1, 2])
def test_a_search_ends_with_few_servers(servers: int) -> None:
    gateway = BoundedLoad(Ring(servers), factor_percent=100)
    for video_id in VIDEOS:
        gateway.place(video_id)
    assert sum(gateway.served) == len(VIDEOS)
