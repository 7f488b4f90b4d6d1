from __future__ import annotations

from typing import Any

import pytest

from rtms_node.writers import Writers
from wire.errors import BadRequest, PeerError
from wire.internal import HeadsReply, RangeReply, encode
from wire.roles import Peer, Role

EPOCH = "testepoch001"
WRITERS = [Peer(Role.WRITER, name, "127.0.0.1", 1) for name in ("w1", "w2")]


class Replies:
    """An `InternalClient` that gives each writer's reply, or raises it; `asked` in order."""

    def __init__(self, **replies: Any) -> None:
        self.replies = replies
        self.asked: list[str] = []

    async def post(self, peer: Peer, path: str, body: bytes, **_: Any) -> bytes:
        self.asked.append(peer.id)
        reply: bytes | Exception = self.replies[peer.id]
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def get(self, peer: Peer, path: str, **_: Any) -> bytes:
        return await self.post(peer, path, b"")


@pytest.mark.parametrize(
    "junk",
    [PeerError("away"), b"", b"{}", encode(HeadsReply("no epoch", {})), b"\xff", b"[" * 9999],
)
async def test_a_writer_that_answers_junk_is_as_good_as_away(junk: Any) -> None:
    good = HeadsReply(EPOCH, {"v": 7})
    client: Any = Replies(w1=junk, w2=encode(good))
    writers = Writers(lambda: client, lambda: WRITERS)
    for _ in range(4):
        assert await writers.heads(("v",), {}) == good
    assert client.asked.count("w1") <= 1  # and it is asked last for a while


async def test_when_all_answer_junk_the_read_fails() -> None:
    client: Any = Replies(w1=b"{}", w2=encode(RangeReply("x", 1, 0, 1, ())))
    with pytest.raises(BadRequest):
        await Writers(lambda: client, lambda: WRITERS).range("v", 0, 9)
    assert sorted(client.asked) == ["w1", "w2"]
