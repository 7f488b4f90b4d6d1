from __future__ import annotations

import random

from pubsub.channels import Channels
from pubsub.subscriptions import Subscriptions

CHANNELS = Channels(4)


def on(channel: str, count: int = 2) -> list[str]:
    """Some videos that lie on a channel."""
    found = (f"v{number}" for number in range(10_000))
    return [video_id for video_id in found if CHANNELS.channel(video_id) == channel][:count]


CHANNEL, OTHER = CHANNELS.all()[:2]
FIRST, SECOND = on(CHANNEL)


def test_the_first_video_of_a_channel_subscribes_and_the_last_one_leaves() -> None:
    table = Subscriptions(CHANNELS)
    table.subscribe(FIRST)
    assert table.take_changes() == ([CHANNEL], [])
    table.subscribe(SECOND)
    assert table.take_changes() == ([], [])
    table.unsubscribe(FIRST)
    assert table.take_changes() == ([], [])
    table.unsubscribe(SECOND)
    assert table.take_changes() == ([], [CHANNEL])


def test_only_the_last_video_of_a_channel_that_was_subscribed_has_to_be_told() -> None:
    table = Subscriptions(CHANNELS, always=[OTHER])
    table.subscribe(FIRST)
    assert not table.unsubscribe(FIRST)  # nothing was sent
    for video_id in (FIRST, SECOND, on(OTHER)[0]):
        table.subscribe(video_id)
    table.take_changes()
    assert [table.unsubscribe(video_id) for video_id in (FIRST, SECOND)] == [False, True]
    assert not table.unsubscribe(on(OTHER)[0])


def test_a_confirmed_channel_announces_its_videos() -> None:
    table = Subscriptions(CHANNELS)
    table.subscribe(FIRST)
    table.subscribe(SECOND)
    table.subscribe(on(OTHER)[0])
    table.take_changes()
    assert table.held == 0
    assert table.confirm(CHANNEL) == [FIRST, SECOND]
    assert (table.held, table.pending) == (1, 1)


def test_a_video_that_joined_before_the_confirmation_is_announced_too() -> None:
    table = Subscriptions(CHANNELS)
    table.subscribe(FIRST)
    table.take_changes()
    table.subscribe(SECOND)
    assert table.confirm(CHANNEL) == [FIRST, SECOND]


def test_a_channel_is_heard_from_its_confirmation_until_it_is_being_left() -> None:
    table = Subscriptions(CHANNELS)
    table.subscribe(FIRST)
    table.take_changes()
    assert not table.hears(SECOND)
    table.confirm(CHANNEL)
    assert table.hears(SECOND)
    table.unsubscribe(FIRST)
    assert table.hears(SECOND)  # joined now, it would keep the channel
    table.take_changes()
    assert not table.hears(SECOND)


def test_a_confirmation_that_comes_after_we_left_holds_nothing() -> None:
    table = Subscriptions(CHANNELS)
    table.subscribe(FIRST)
    table.take_changes()
    table.unsubscribe(FIRST)
    table.take_changes()
    assert table.confirm(CHANNEL) == []
    table.confirm_left(CHANNEL)
    assert (table.held, table.pending) == (0, 0)


def test_a_channel_that_is_left_and_wanted_again_is_announced_again() -> None:
    table = Subscriptions(CHANNELS)
    table.subscribe(FIRST)
    table.take_changes()
    table.confirm(CHANNEL)
    table.unsubscribe(FIRST)
    assert table.take_changes() == ([], [CHANNEL])
    table.subscribe(FIRST)
    assert table.take_changes() == ([CHANNEL], [])
    table.confirm_left(CHANNEL)
    assert table.confirm(CHANNEL) == [FIRST]


def test_a_new_connection_begins_with_nothing() -> None:
    table = Subscriptions(CHANNELS)
    table.subscribe(FIRST)
    table.take_changes()
    table.confirm(CHANNEL)
    table.forget_connection()
    assert table.held == 0
    assert table.take_changes() == ([CHANNEL], [])


def test_some_channels_are_heard_without_a_video() -> None:
    table = Subscriptions(CHANNELS, always=[CHANNEL])
    assert table.take_changes() == ([CHANNEL], [])
    table.subscribe(FIRST)
    table.unsubscribe(FIRST)
    assert table.take_changes() == ([], [])


def test_a_channel_that_we_never_asked_for_is_not_held() -> None:
    table = Subscriptions(CHANNELS)
    assert table.confirm("another") == []
    assert table.held == 0


def test_a_redis_that_answers_in_order_ends_with_what_is_wanted() -> None:
    """A random walk against a Redis that carries out what it is told, later."""
    rng = random.Random(7)
    for _ in range(200):
        table, wire, heard = Subscriptions(CHANNELS), list[tuple[str, str]](), set[str]()
        served: set[str] = set()
        for _ in range(60):
            video_id = f"v{rng.randrange(8)}"
            step = rng.random()
            if step < 0.4:
                served.add(video_id)
                table.subscribe(video_id)
            elif step < 0.7:
                served.discard(video_id)
                table.unsubscribe(video_id)
            elif step < 0.85:
                send(table, wire)
            elif wire:
                carry_out(table, wire, heard)
        send(table, wire)
        while wire:
            carry_out(table, wire, heard)
        assert heard == {CHANNELS.channel(video_id) for video_id in served}
        assert (table.held, table.pending) == (len(heard), 0)


def send(table: Subscriptions, wire: list[tuple[str, str]]) -> None:
    new, old = table.take_changes()
    wire += [("subscribe", name) for name in new] + [("unsubscribe", name) for name in old]


def carry_out(table: Subscriptions, wire: list[tuple[str, str]], heard: set[str]) -> None:
    verb, name = wire.pop(0)
    if verb == "subscribe":
        heard.add(name)
        table.confirm(name)
    else:
        heard.discard(name)
        table.confirm_left(name)
