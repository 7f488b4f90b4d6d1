from __future__ import annotations

import subprocess
import sys
from collections import Counter

from pubsub.channels import Channels, channels_of


def test_with_one_channel_every_video_lies_on_it() -> None:
    one = channels_of("broadcast", 64)
    assert {one.channel(f"v{number}") for number in range(100)} == set(one.all())
    assert len(one.all()) == 1


def test_a_video_keeps_its_channel_in_every_process() -> None:
    program = "from pubsub.channels import Channels; print(Channels(64).channel('a-video'))"
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert told == [Channels(64).channel("a-video")] * 2


def test_a_known_video_has_the_channel_it_always_had() -> None:
    """Processes of two releases must agree: this changes only with a note for operators."""
    assert [Channels(64).channel(video_id) for video_id in ("v1", "v2", "abc")] == [
        "livecomments:64:26",
        "livecomments:64:47",
        "livecomments:64:25",
    ]


def test_videos_are_spread_evenly() -> None:
    channels = channels_of("partitioned", 16)
    counts = Counter(channels.channel(f"video-{number}") for number in range(16_000))
    assert set(counts) == set(channels.all())
    assert 800 < min(counts.values()) <= max(counts.values()) < 1200


def test_processes_that_were_told_different_numbers_share_no_channel() -> None:
    assert not set(Channels(8).all()) & set(Channels(16).all())
