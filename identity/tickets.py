"""Tickets: leave to read one video for a while, short enough for a URL, since an EventSource sends
no headers. Pure: the clock is an argument.

A ticket is 54 bytes, written as 72 characters of base64url. 54 is a multiple of 3, so every bit of
the text counts and a ticket has one spelling.

    key id 4 | expires at 5 | life 3 | author id 16 | video id (digest) 8 | HMAC-SHA-256 (cut) 18

Invariants:
- a ticket counts for the video that it was made for, and only if a key of ours has signed it;
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
_LABEL = b"livecomments ticket 1\0"  # what the keys sign is nothing else, nor another layout
_BODY = struct.Struct(">4sBI3s16s8s")  # seconds of the end as 1 + 4 bytes
_MAC_BYTES = 18
_TEXT = re.compile(r"[A-Za-z0-9_-]{72}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an authentic ticket says. expires_at: wall clock in seconds; life_s: for how long it was
    made.
    """

    author_id: str
    expires_at: int
    life_s: int

    @property
    def issue(self) -> tuple[str, int]:
        """To whom and when it was issued; for `Revocations`."""
        return self.author_id, self.expires_at - self.life_s

    def seconds_left(self, now: float, chance: float) -> float:
        """For how long a stream may go on that opens at `now`; 0 or less if the ticket is over.

        It ends within the last tenth of the ticket's life, as `chance` (0 to 1) says: those who
        came together do not come back together.
        """
        left = self.expires_at - now
        return left - chance * min(max(left, 0.0), self.life_s / SPREAD)


class TicketKeys:
    """The first key signs, all of them count. Immutable."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Raises ValueError for none, too many, or one that is too short to be a secret."""
        if not 1 <= len(keys) <= MAX_KEYS:
            raise ValueError(f"must hold 1 or {MAX_KEYS} keys, a line each")
        if any(len(key) < MIN_KEY_BYTES for key in keys):
            raise ValueError(f"a key of tickets has at least {MIN_KEY_BYTES} bytes")
        self._keys = {_key_id(key): key for key in reversed(keys)}
        self._signing = _key_id(keys[0])

    @classmethod
    def parse(cls, data: bytes) -> TicketKeys:
        """The keys in a file: a line each. Raises ValueError."""
        return cls([line for line in map(bytes.strip, data.split(b"\n")) if line])

    def make(self, video_id: str, author_id: str, expires_at: int, life_s: int) -> str:
        """A ticket; `author_id` as `AuthorIds` makes them."""
        who = urlsafe_b64decode(author_id.removeprefix(PREFIX) + "==")
        body = _BODY.pack(
            self._signing,
            expires_at >> 32,
            expires_at & 0xFFFFFFFF,
            life_s.to_bytes(3, "big"),
            who,
            _digest(video_id),
        )
        mac = _sign(self._keys[self._signing], body)
        return urlsafe_b64encode(body + mac).decode()

    def read(self, text: str, video_id: str) -> Ticket:
        """What a ticket says, which may be over. Raises TicketInvalid, or TicketForeign if it is
        authentic and for another video.
        """
        if _TEXT.fullmatch(text) is None:
            raise TicketInvalid("this is no ticket")
        data = urlsafe_b64decode(text)
        body, mac = data[: _BODY.size], data[_BODY.size :]
        key_id, high, low, life, who, video = _BODY.unpack(body)
        key = self._keys.get(key_id)
        if key is None or not hmac.compare_digest(mac, _sign(key, body)):
            raise TicketInvalid("it is not signed by a key that counts here")
        if not hmac.compare_digest(video, _digest(video_id)):
            raise TicketForeign()
        author_id = PREFIX + urlsafe_b64encode(who).rstrip(b"=").decode()
        return Ticket(author_id, (high << 32) + low, int.from_bytes(life, "big"))


def _key_id(key: bytes) -> bytes:
    return hmac.digest(key, _LABEL + b"key id", sha256)[:4]


def _sign(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, _LABEL + body, sha256)[:_MAC_BYTES]


def _digest(video_id: str) -> bytes:
    return blake2b(video_id.encode(), digest_size=8).digest()
