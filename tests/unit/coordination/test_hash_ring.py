from __future__ import annotations

import subprocess
import sys

from coordination.hash_ring import HashRing

VIDEOS = [f"video-{number}" for number in range(2_000)]
MEMBERS = ["w1", "w2", "w3"]


def test_an_empty_ring_prefers_nobody() -> None:
    assert HashRing().order("v") == ()


def test_every_member_is_in_the_order_once() -> None:
    ring = HashRing(MEMBERS)
    assert all(sorted(ring.order(video_id)) == MEMBERS for video_id in VIDEOS)


def test_the_order_does_not_depend_on_how_members_were_learned() -> None:
    grown = HashRing(["w3"])
    grown.set_members(["w3", "w1"])
    grown.set_members(["w2", "w3", "w1"])
    at_once = HashRing(MEMBERS)
    assert [grown.order(v) for v in VIDEOS] == [at_once.order(v) for v in VIDEOS]


def test_the_order_is_the_same_in_another_process() -> None:
    code = (
        "from coordination.hash_ring import HashRing; print(HashRing(['w2','w1','w3']).order('v'))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(HashRing(MEMBERS).order("v"))


def test_a_member_that_leaves_moves_only_its_own_videos() -> None:
    ring = HashRing(MEMBERS)
    before = {video_id: ring.order(video_id) for video_id in VIDEOS}
    ring.set_members(["w1", "w3"])
    for video_id, order in before.items():
        assert ring.order(video_id) == tuple(member for member in order if member != "w2")


def test_the_load_is_spread() -> None:
    ring = HashRing(MEMBERS)
    firsts = [ring.order(video_id)[0] for video_id in VIDEOS]
    assert all(0.2 < firsts.count(member) / len(VIDEOS) < 0.5 for member in MEMBERS)


def test_remembered_orders_are_bounded_and_forgotten_when_members_change() -> None:
    ring = HashRing(MEMBERS, max_cached=10)
    for video_id in VIDEOS[:50]:
        ring.order(video_id)
    assert len(ring._orders) == 10
    ring.set_members(["w1"])
    assert ring.order(VIDEOS[49]) == ("w1",)


def test_an_order_is_remembered_while_it_is_used() -> None:
    ring = HashRing(MEMBERS, max_cached=2)
    kept = ring.order("kept")
    for video_id in VIDEOS[:10]:
        ring.order(video_id)
        assert ring.order("kept") is kept
    assert ring.members == set(MEMBERS)
