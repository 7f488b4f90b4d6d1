"""What a stream is told at its start."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from rtms_node.video_state import VideoState
from wire.comment import NewComment, encode_comment
from wire.entry import (
    Removed,
    RemovedBy,
    encode_removed,
    encode_restored,
    encode_tombstone,
)
from wire.internal import State
from wire.rulings import Settings, encode_pinned, encode_settings

EPOCH, AT = "a" * 12, "2030-01-01T00:00:00.000Z"
COMMENT = encode_comment(EPOCH, "v", 3, NewComment("ann", "look"), AT)


def known(**members: Any) -> VideoState:
    state = VideoState()
    state.learn(State(**members), 0)
    return state


def told(state: VideoState) -> Any:
    frame = state.frame()
    if frame is None:
        return None
    event, data = frame.decode().splitlines()[:2]
    assert event == "event: state"
    return json.loads(data.removeprefix("data: "))


def settings_entry(number: int, **changes: Any) -> bytes:
    return encode_settings(EPOCH, "v", number, Settings(**changes), AT)


def test_a_video_without_rules_has_nothing_to_tell() -> None:
    assert told(VideoState()) is None
    assert told(known()) is None


def test_settings_follow_the_entries_that_pass() -> None:
    state = known(settings=Settings(closed=True), settings_seq=5)
    assert told(state)["settings"]["closed"]
    state.appended(4, settings_entry(4, slow_mode_s=3))  # older than what was read
    assert told(state) == {
        "settings": msgspec.structs.asdict(Settings(closed=True)),
        "pinned": None,
    }
    state.appended(6, settings_entry(6, slow_mode_s=3))
    assert told(state)["settings"] == msgspec.structs.asdict(Settings(slow_mode_s=3))


def test_a_pin_is_shown_while_its_comment_is() -> None:
    state = known()
    state.appended(4, encode_pinned(EPOCH, "v", 4, COMMENT, AT))
    assert told(state)["pinned"] == json.loads(COMMENT)
    removed = Removed((3,), RemovedBy.MODERATOR)
    state.appended(5, encode_removed(EPOCH, "v", 5, removed, AT))
    assert told(state)["pinned"] is None
    state.appended(6, encode_restored(EPOCH, "v", 6, COMMENT, AT))
    assert told(state)["pinned"] == json.loads(COMMENT)
    state.appended(7, encode_pinned(EPOCH, "v", 7, None, AT))
    assert told(state)["pinned"] is None
    state.appended(8, encode_restored(EPOCH, "v", 8, COMMENT, AT))
    assert told(state)["pinned"] is None


def test_what_passed_unseen_makes_it_unknown() -> None:
    state = known(settings=Settings(closed=True), settings_seq=5)
    state.forget()
    assert not state.known
    state.appended(6, settings_entry(6, slow_mode_s=3))
    assert told(state) is None


def test_junk_changes_nothing() -> None:
    state = known(settings=Settings(closed=True), settings_seq=5)
    before = told(state)
    raw = settings_entry(6).replace(b"false", b'"x"')
    state.appended(6, raw)
    assert told(state) == before


def test_what_was_read_before_an_entry_that_passed_is_not_taken() -> None:
    """Of before the pin, before the removal of what is pinned, and before what was skipped."""
    pinned = State(pin=3, pin_seq=4, pinned=msgspec.Raw(COMMENT))
    removal = encode_removed(EPOCH, "v", 5, Removed((3,), RemovedBy.MODERATOR), AT)
    for passed in (settings_entry(5), encode_pinned(EPOCH, "v", 5, None, AT), removal):
        state = VideoState()
        state.appended(5, passed)
        state.learn(pinned, 4)
        assert (state.known, told(state)) == (False, None)
        state.learn(msgspec.structs.replace(pinned, pinned=msgspec.Raw(b"null")), 5)
        assert state.known
        assert told(state)["pinned"] is None
    state.forget(9)
    state.learn(pinned, 8)
    assert not state.known


def test_removals_do_not_delay_the_state_of_a_video_without_a_pin() -> None:
    state = VideoState()
    state.appended(5, encode_removed(EPOCH, "v", 5, Removed((3,), RemovedBy.MODERATOR), AT))
    state.learn(State(settings=Settings(closed=True), settings_seq=2), 4)
    assert told(state)["settings"]["closed"]


def test_a_later_reply_does_not_replace_what_entries_have_kept_up() -> None:
    state = known(pin=3, pin_seq=4, pinned=msgspec.Raw(COMMENT))
    state.appended(5, encode_removed(EPOCH, "v", 5, Removed((3,), RemovedBy.MODERATOR), AT))
    state.learn(State(pin=3, pin_seq=4, pinned=msgspec.Raw(COMMENT)), 4)
    assert told(state)["pinned"] is None


def test_a_tombstone_that_passes_may_have_been_a_pin() -> None:
    state = known(pin=3, pin_seq=4, pinned=msgspec.Raw(COMMENT))
    state.appended(6, encode_tombstone(encode_pinned(EPOCH, "v", 6, COMMENT, AT)))
    assert (state.known, told(state)) == (False, None)
