from __future__ import annotations

from typing import Any

import pytest

from rtms_node.count_ledger import RETRY_S
from rtms_node.viewer_counts import ViewerCounts
from rtms_node.writers import Writers
from tests.unit.rtms_node.node_world import Node
from wire.counts import COUNTS, CountsReply, CountsReport
from wire.errors import BadRequest, PeerError
from wire.internal import (
    CountsAnswer,
    HeadsReply,
    HeadsRequest,
    RangeReply,
    decode,
    encode,
)
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


class Counting:
    """A client whose writers count: what they were sent, and the reply or error of the next."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, CountsReport | None]] = []
        self.error: Exception | None = None
        self.counts: CountsReply | None = CountsReply("t", 1, {"v": (3, 9)})

    async def post(self, peer: Peer, path: str, body: bytes, **_: Any) -> bytes:
        if path == COUNTS:
            self.sent.append((peer.id, decode(body, CountsReport)))
        else:
            self.sent.append((peer.id, decode(body, HeadsRequest).counts))
        if self.error is not None:
            raise self.error
        if path == COUNTS:
            return encode(CountsAnswer(self.counts))
        return encode(HeadsReply(EPOCH, {"v": 7}, counts=self.counts if self.sent[-1][1] else None))


def told(client: Counting) -> dict[str, int]:
    """What the last call told."""
    report = client.sent[-1][1]
    assert report is not None
    return report.counts


def counted(client: Any, node: Node) -> tuple[Writers, ViewerCounts]:
    writers = Writers(lambda: client, lambda: WRITERS)
    counts = ViewerCounts("000000000000001-00000000", node.hub, node.clock)
    node.hub.on_count = counts.touch
    counts.set_known(writers.known())
    writers.carry(counts)
    return writers, counts


async def test_a_read_of_heads_takes_a_report_along_if_there_is_one(slow_node: Node) -> None:
    client = Counting()
    writers, _ = counted(client, slow_node)
    for _ in range(2):
        await writers.heads(("v1",), {})
        assert told(client) == {}  # it is there, and nobody watches
    watcher = slow_node.watch_loaded("v1")
    client.counts = CountsReply("t", 1, {"v1": (3, 9)})
    for _ in range(2):  # one for each writer
        await writers.heads(("v1",), {})
        assert told(client) == {"v1": 1}
    assert {name for name, report in client.sent if report} == {"w1", "w2"}
    await writers.heads(("v1",), {})
    assert client.sent[-1][1] is None  # told a moment ago
    slow_node.clock.advance(1.0)
    assert watcher.named("viewers")[-1][1] == {"now": 3, "peak": 9}


async def test_a_report_that_failed_goes_again(slow_node: Node) -> None:
    client = Counting()
    writers, counts = counted(client, slow_node)
    slow_node.watch_loaded("v1")
    client.error = PeerError("away")
    with pytest.raises(PeerError):
        await writers.heads(("v1",), {})
    assert (counts.failures, counts.reports) == (2, 0)  # of both writers
    client.error = None
    slow_node.clock.advance(RETRY_S)
    await writers.heads(("v1",), {})
    assert told(client) == {"v1": 1}
    assert counts.reports == 1


async def test_a_writer_that_does_not_know_the_call_does_not_count(slow_node: Node) -> None:
    client = Counting()
    writers, counts = counted(client, slow_node)
    slow_node.watch_loaded("v1")
    ((name, report), _) = counts.take_due()
    assert await writers.report(name, report) is not None
    client.error = PeerError("status 404", reply_status=404)
    assert await writers.report(name, report) is None
    client.error = PeerError("status 503", reply_status=503)
    with pytest.raises(PeerError):
        await writers.report(name, report)
    with pytest.raises(PeerError, match="has left"):
        await writers.report("w9", report)
