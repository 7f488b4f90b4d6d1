"""Tickets: leave to read one video for a while, short enough for a URL, since an EventSource sends
no headers. Pure: the clock is an argument.

A ticket is 60 bytes, written as 80 characters of base64url. 60 is a multiple of 3, so every bit of
the text counts and a ticket has one spelling.

    key id 4 | expires at 5 | life 3 | token issued at 5 | author id 16 | video id (digest) 8 |
    HMAC-SHA-256 (cut) 19

The layout before this one had no age of the token, a HMAC of 18 bytes, and 72 characters. Such
tickets still count, to their end, unless anything of their author is revoked.

Invariants:
- a ticket counts for the video that it was made for, and only if a key of ours has signed it;
- it is as old as the token that it was given for: who has an old token gets no younger ticket;
- signatures are compared in constant time, and before anything that a ticket says is believed;
- no ticket is kept, logged, or repeated in an error.
"""

from __future__ import annotations

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256

from identity.author_id import PREFIX
from wire.errors import TicketForeign, TicketInvalid

MIN_KEY_BYTES = 32
MAX_KEYS = 2  # the one that signs, and one that still counts or is going to sign
SPREAD = 10  # streams end within the last such part of their ticket's life
_TEXT = re.compile(r"[A-Za-z0-9_-]{72}(?:[A-Za-z0-9_-]{8})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an authentic ticket says. expires_at: wall clock in seconds; life_s: for how long it was
    made; token_at: when the token was issued that it was given for, 0 where it does not say.
    """

    author_id: str
    expires_at: int
    life_s: int
    token_at: int = 0

    @property
    def issue(self) -> tuple[str, int]:
        """To whom its token was issued, and when; for `Revocations`. Not when the ticket was: a
        writer that has not heard of a revocation yet may have given it out after that.
        """
        return self.author_id, self.token_at

    def seconds_left(self, now: float, chance: float) -> float:
        """For how long a stream may go on that opens at `now`; 0 or less if the ticket is over.

        It ends within the last tenth of the ticket's life, as `chance` (0 to 1) says: those who
        came together do not come back together.
        """
        left = self.expires_at - now
        return left - chance * min(max(left, 0.0), self.life_s / SPREAD)


@dataclass(frozen=True, slots=True)
class _Layout:
    """label: what the keys sign is nothing else, nor another layout. Times are 1 + 4 bytes."""

    label: bytes
    body: struct.Struct
    mac_bytes: int

    def key_id(self, key: bytes) -> bytes:
        return hmac.digest(key, self.label + b"key id", sha256)[:4]

    def sign(self, key: bytes, body: bytes) -> bytes:
        return hmac.digest(key, self.label + body, sha256)[: self.mac_bytes]


_WITHOUT_AGE = _Layout(b"livecomments ticket 1\0", struct.Struct(">4sBI3s16s8s"), 18)
_OLD_BYTES = _WITHOUT_AGE.body.size + _WITHOUT_AGE.mac_bytes
_LAYOUT = _Layout(b"livecomments ticket 2\0", struct.Struct(">4sBI3sBI16s8s"), 19)


class TicketKeys:
    """The first key signs, all of them count. Immutable."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Raises ValueError for none, too many, or one that is too short to be a secret."""
        if not 1 <= len(keys) <= MAX_KEYS:
            raise ValueError(f"must hold 1 or {MAX_KEYS} keys, a line each")
        if any(len(key) < MIN_KEY_BYTES for key in keys):
            raise ValueError(f"a key of tickets has at least {MIN_KEY_BYTES} bytes")
        self._keys = {
            layout.key_id(key): key for layout in (_WITHOUT_AGE, _LAYOUT) for key in reversed(keys)
        }
        self._signing = _LAYOUT.key_id(keys[0])

    @classmethod
    def parse(cls, data: bytes) -> TicketKeys:
        """The keys in a file: a line each. Raises ValueError."""
        return cls([line for line in map(bytes.strip, data.split(b"\n")) if line])

    def make(self, video_id: str, ticket: Ticket) -> str:
        """A ticket that says this; `author_id` as `AuthorIds` makes them."""
        who = urlsafe_b64decode(ticket.author_id.removeprefix(PREFIX) + "==")
        body = _LAYOUT.body.pack(
            self._signing,
            *_split(ticket.expires_at),
            ticket.life_s.to_bytes(3, "big"),
            *_split(ticket.token_at),
            who,
            _digest(video_id),
        )
        mac = _LAYOUT.sign(self._keys[self._signing], body)
        return urlsafe_b64encode(body + mac).decode()

    def read(self, text: str, video_id: str) -> Ticket:
        """What a ticket says, which may be over. Raises TicketInvalid, or TicketForeign if it is
        authentic and for another video.
        """
        if _TEXT.fullmatch(text) is None:
            raise TicketInvalid("this is no ticket")
        data = urlsafe_b64decode(text)
        layout = _LAYOUT if len(data) > _OLD_BYTES else _WITHOUT_AGE
        body, mac = data[: layout.body.size], data[layout.body.size :]
        key_id, high, low, life, *token_at, who, video = layout.body.unpack(body)
        key = self._keys.get(key_id)
        if key is None or not hmac.compare_digest(mac, layout.sign(key, body)):
            raise TicketInvalid("it is not signed by a key that counts here")
        if not hmac.compare_digest(video, _digest(video_id)):
            raise TicketForeign()
        author_id = PREFIX + urlsafe_b64encode(who).rstrip(b"=").decode()
        life_s = int.from_bytes(life, "big")
        return Ticket(author_id, _join(high, low), life_s, _join(*token_at) if token_at else 0)


def _split(seconds: int) -> tuple[int, int]:
    return seconds >> 32, seconds & 0xFFFFFFFF


def _join(high: int, low: int) -> int:
    return (high << 32) + low


def _digest(video_id: str) -> bytes:
    return blake2b(video_id.encode(), digest_size=8).digest()
