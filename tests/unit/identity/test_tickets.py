from __future__ import annotations

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b, sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.revocations import Revocations
from identity.tickets import Ticket, TicketKeys
from wire.errors import TicketForeign, TicketInvalid

OLD, NEW = b"o" * 32, b"n" * 32
ANN = "u_QcaiGVMoA4STtIcJMfktFQ"
NOW = 1_800_000_000
KEYS = TicketKeys([OLD])
LIFE_S = 14_400
TICKET = Ticket(ANN, NOW + LIFE_S, LIFE_S, NOW - 60)
GOOD = KEYS.make("v1", TICKET)
VIDEOS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


def test_a_ticket_says_whose_it_is_and_until_when() -> None:
    assert KEYS.read(GOOD, "v1") == TICKET


def test_it_is_as_old_as_the_token_that_it_was_given_for() -> None:
    """However lately it was given: it was perhaps got with a token that had been revoked."""
    revocations = Revocations()
    revocations.learn({ANN: NOW - 59}, 1)
    assert revocations.revokes(*KEYS.read(GOOD, "v1").issue)
    revocations = Revocations()
    revocations.learn({ANN: NOW - 60}, 1)
    assert not revocations.revokes(*KEYS.read(GOOD, "v1").issue)


def ticket_without_age(video: str) -> str:
    """As earlier releases made them, byte by byte."""

    def signed(what: bytes, size: int) -> bytes:
        return hmac.digest(OLD, b"livecomments ticket 1\0" + what, sha256)[:size]

    who = urlsafe_b64decode(ANN.removeprefix("u_") + "==")
    life, digest = LIFE_S.to_bytes(3, "big"), blake2b(video.encode(), digest_size=8).digest()
    body = struct.pack(">4sBI3s16s8s", signed(b"key id", 4), 0, NOW + LIFE_S, life, who, digest)
    return urlsafe_b64encode(body + signed(body, 18)).decode()


def test_a_ticket_of_the_layout_before_counts_unless_anything_of_its_author_is_revoked() -> None:
    ticket = ticket_without_age("v1")
    assert len(ticket) == 72
    found = KEYS.read(ticket, "v1")
    assert found == Ticket(ANN, NOW + LIFE_S, LIFE_S, 0)
    revocations = Revocations()
    assert not revocations.revokes(*found.issue)
    revocations.learn({ANN: 1}, 1)
    assert revocations.revokes(*found.issue)
    with pytest.raises(TicketForeign):
        KEYS.read(ticket, "v2")
    with pytest.raises(TicketInvalid):
        TicketKeys([NEW]).read(ticket, "v1")
    data = bytearray(urlsafe_b64decode(ticket))
    for bit in range(54 * 8):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TicketInvalid):
            KEYS.read(urlsafe_b64encode(data).decode(), "v1")
        data[bit // 8] ^= 1 << bit % 8


def test_it_fits_a_url_and_tells_no_key_and_no_video() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{80}", GOOD)
    video = "a-secret-film"
    data = urlsafe_b64decode(KEYS.make(video, Ticket(ANN, NOW, 1, NOW)))
    assert OLD[:4] not in data
    assert video.encode()[:4] not in data


@given(VIDEOS, st.integers(0, 2**40 - 1), st.integers(1, 86_400), st.integers(0, 2**40 - 1))
def test_whatever_is_made_is_read(video: str, expires_at: int, life_s: int, token_at: int) -> None:
    ticket = Ticket(ANN, expires_at, life_s, token_at)
    assert KEYS.read(KEYS.make(video, ticket), video) == ticket


@pytest.mark.parametrize("bit", range(60 * 8))
def test_no_bit_may_be_another_one(bit: int) -> None:
    data = bytearray(urlsafe_b64decode(GOOD))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TicketInvalid):
        KEYS.read(urlsafe_b64encode(data).decode(), "v1")


def test_a_ticket_has_one_spelling() -> None:
    """No character may be another one, so none of the text is without a meaning."""
    for place in range(len(GOOD)):
        other = "A" if GOOD[place] != "A" else "B"
        with pytest.raises(TicketInvalid):
            KEYS.read(GOOD[:place] + other + GOOD[place + 1 :], "v1")


@pytest.mark.parametrize(
    "text",
    [
        "", "x", GOOD[:-1], GOOD[:72], GOOD + "A", GOOD + "=", GOOD + "\n", " " + GOOD, "A" * 72,
        "A" * 80, "é" * 80, "x" * 10_240, GOOD + GOOD, GOOD[:-1] + "+", GOOD[:-1] + "\0",
        "\u0661" * 80,
    ],
)  # fmt: skip
def test_what_is_no_ticket_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(TicketInvalid) as caught:
        KEYS.read(text, "v1")
    assert len(text) < 2 or text not in caught.value.detail


@given(st.text(max_size=80), VIDEOS)
def test_rubbish_is_refused(text: str, video: str) -> None:
    with pytest.raises(TicketInvalid):
        KEYS.read(text, video)


@given(VIDEOS.filter(lambda video: video != "v1"))
def test_a_ticket_for_another_video_is_known_as_one(video: str) -> None:
    with pytest.raises(TicketForeign):
        KEYS.read(GOOD, video)


def test_another_key_counts_for_nothing() -> None:
    with pytest.raises(TicketInvalid):
        TicketKeys([NEW]).read(GOOD, "v1")


def test_keys_rotate() -> None:
    """First all know the new key, then it signs, then the old one goes."""
    both = TicketKeys([OLD, NEW])
    assert both.make("v1", TICKET) == GOOD, "the first signs"
    turned = TicketKeys([NEW, OLD])
    newer = turned.make("v1", TICKET)
    for keys in (both, turned):
        assert keys.read(GOOD, "v1") == keys.read(newer, "v1")
    alone = TicketKeys([NEW])
    alone.read(newer, "v1")
    with pytest.raises(TicketInvalid):
        alone.read(GOOD, "v1")


@pytest.mark.parametrize(
    "data", [b"", b"\n \n", b"k" * 31, b"k" * 32 + b"\n" + b"l" * 31, b"\n".join([b"k" * 32] * 3)]
)
def test_too_few_too_many_and_short_keys_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="key"):
        TicketKeys.parse(data)


def test_a_file_has_a_key_on_each_line() -> None:
    keys = TicketKeys.parse(b"\r\n" + OLD + b"\r\n" + NEW + b"\n\n")
    assert keys.read(GOOD, "v1").author_id == ANN
    assert keys.read(TicketKeys([NEW]).make("v1", TICKET), "v1").author_id == ANN


@pytest.mark.parametrize(
    ("before_end_s", "chance", "left_s"),
    [
        (1000, 0.0, 1000), (1000, 1.0, 900), (1000, 0.5, 950),
        (50, 0.0, 50), (50, 1.0, 0), (50, 0.5, 25), (0, 0.5, 0), (-7, 1.0, -7),
    ],
)  # fmt: skip
def test_a_stream_ends_within_the_last_tenth(
    before_end_s: float, chance: float, left_s: float
) -> None:
    ticket = Ticket(ANN, NOW, 1000)
    assert ticket.seconds_left(NOW - before_end_s, chance) == left_s
