from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.member import Member, decode_member, encode_member
from coordination.paths import Paths, node_ids
from wire.ids import is_boot_id, new_boot_id
from wire.roles import Peer, Role

MEMBER = Member(Role.NODE, "n1", "10.0.0.7", 7443, "000000000000002-0123abcd", "1.0")


@pytest.mark.parametrize("root", ["", "/", "livecomments", "/a/", "/a/../b", "/a b", "/zoo\n"])
def test_a_root_must_be_a_plain_absolute_path(root: str) -> None:
    with pytest.raises(ValueError, match="root"):
        Paths(root)


def test_the_layout_is_that_of_the_design() -> None:
    paths = Paths()
    assert paths.member(Role.NODE, "n1") == "/livecomments/members/node/n1"
    assert paths.registration("v", "n1") == "/livecomments/videos/v/n1"


@pytest.mark.parametrize(
    ("path", "video_id"),
    [
        ("/livecomments/videos/v", "v"),
        ("/livecomments/videos/v/n1", "v"),
        ("/livecomments/videos", None),
        ("/livecomments/videos/", None),
        ("/livecomments/videos/not a video", None),
        ("/livecomments/members/node/n1", None),
    ],
)
def test_the_video_of_a_path(path: str, video_id: str | None) -> None:
    assert Paths().video_of(path) == video_id


def test_names_that_no_node_can_have_are_junk() -> None:
    assert node_ids(["n1", "N1", "..", "n-2", "http:x"]) == (frozenset({"n1", "n-2"}), 3)


def test_a_member_comes_back_as_it_was() -> None:
    assert decode_member(Role.NODE, "n1", encode_member(MEMBER)) == MEMBER
    assert MEMBER.peer == Peer(Role.NODE, "n1", "10.0.0.7", 7443)


def test_a_newer_process_may_say_more() -> None:
    data = msgspec.json.decode(encode_member(MEMBER)) | {"zone": "b"}
    assert decode_member(Role.NODE, "n1", msgspec.json.encode(data)) == MEMBER


@pytest.mark.parametrize(
    "change",
    [
        {"host": ""},
        {"host": "a/b"},
        {"host": "a b"},
        {"host": "user@host"},
        {"host": 7},
        {"host": "a..b"},
        {"host": "a" * 64},
        {"host": "a_b"},
        {"host": "a."},
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"port": 0},
        {"port": 65536},
        {"port": "80"},
        {"port": True},
        {"boot_id": "1"},
        {"boot_id": None},
        {"version": "9" * 65},
        {"more": "x" * 1024},
    ],
)
def test_a_member_with_anything_wrong_is_junk(change: dict[str, object]) -> None:
    data = msgspec.json.decode(encode_member(MEMBER)) | change
    assert decode_member(Role.NODE, "n1", msgspec.json.encode(data)) is None


@given(st.binary(max_size=2_000))
def test_junk_never_raises(data: bytes) -> None:
    decode_member(Role.NODE, "n1", data)


def test_a_later_boot_id_is_greater() -> None:
    first = new_boot_id()
    deadline = time.time() + 0.002
    while time.time() < deadline:
        pass
    assert is_boot_id(first)
    assert first < new_boot_id()
