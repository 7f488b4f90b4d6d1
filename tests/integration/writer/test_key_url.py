"""A writer process whose key set is at an https URL, with a CA of its own: the set changes under
load, and its server fails in each way there is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cluster.ca import DevelopmentCa
from identity.key_ring import URL_TIMES
from identity.keys import MAX_KEYS, MAX_SET_BYTES
from tests.identity_variables import with_keys
from tests.integration.writer.writer_process import WriterProcess
from tests.jwks_server import JwksServer
from tests.support import TIMEOUT_FACTOR, eventually, started, wait_out
from tests.tokens import Signer, jwks

# Nobody is there: posts are stored all the same. Proxies of the environment are not used.
ALONE = {
    "TOPOLOGY": "broadcast",
    "REDIS_URL": "redis://127.0.0.1:9",
    "AUTH": "jwt",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}
EVERY_S = URL_TIMES.unknown_every_s
OLD, NEW = Signer("old"), Signer("new")
Answer = tuple[int, str]


@dataclass
class Site:
    """A writer and the server of its keys."""

    server: JwksServer
    writer: WriterProcess
    began: float = field(default_factory=time.monotonic)

    async def post(self, signer: Signer) -> Answer:
        """Status and code of a post with a fresh token."""
        assert self.writer.client is not None
        url = f"http://127.0.0.1:{self.writer.public}/v1/videos/v/comments"
        headers = {"Authorization": f"Bearer {signer.token(jti=str(time.monotonic_ns()))}"}
        async with self.writer.client.post(url, json={"text": "hi"}, headers=headers) as reply:
            document: Any = await reply.json(content_type=None)
            return reply.status, document.get("code", "")

    async def until_next_fetch(self) -> None:
        """The least time between two fetches has passed since the last one."""
        await wait_out(EVERY_S + 0.5)

    async def until_taken(self, signer: Signer) -> float:
        """The seconds until its tokens count; they are refused as unknown before."""
        begun = time.monotonic()
        async with asyncio.timeout(2 * EVERY_S * TIMEOUT_FACTOR):
            while (answer := await self.post(signer)) != (201, ""):
                assert answer in ((401, "token_invalid"), (503, "keys_unavailable")), answer
                await asyncio.sleep(0.1)
        return time.monotonic() - begun


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    """Its set has the old key."""
    folder.mkdir()
    async with started(JwksServer(folder)) as server:
        server.reply = jwks(OLD)
        variables = with_keys(folder, OLD) | ALONE | {"SQLITE_PATH": str(folder / "comments.db")}
        variables |= {"AUTH_JWKS": server.url, "AUTH_JWKS_CA_FILE": str(server.ca_file)}
        writer = WriterProcess(DevelopmentCa.new(), folder, "w1", "127.0.0.1:9", variables)
        began = time.monotonic()  # its first fetch is at its start
        async with started(writer):
            yield Site(server, writer, began)


class Load:
    """Posts one after the other with tokens of one key; each answer with its time."""

    def __init__(self, at: Site, signer: Signer) -> None:
        self._at, self._signer = at, signer
        self.answers: list[tuple[float, Answer]] = []

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            begun = time.monotonic()
            self.answers.append((begun, await self._at.post(self._signer)))
            await asyncio.sleep(0.02)

    def refused(self, after: float = 0.0) -> list[tuple[float, Answer]]:
        """Of the posts that were begun after that time."""
        return [one for one in self.answers if one[0] > after and one[1][0] != 201]


async def test_keys_are_changed_under_load_and_no_valid_token_is_refused(tmp_path: Path) -> None:
    """Whoever signs with a new key at once waits half a minute at most; nobody else is refused,
    and what is taken out counts no longer once the set was read again.
    """
    async with site(tmp_path / "a") as at, asyncio.TaskGroup() as group:
        by_old, by_new = Load(at, OLD), Load(at, NEW)
        tasks = [group.create_task(by_old.run())]
        await eventually(lambda: len(by_old.answers) > 20)
        at.server.reply = jwks(OLD, NEW)
        waited_s = await at.until_taken(NEW)
        assert waited_s < EVERY_S + 5 * TIMEOUT_FACTOR
        tasks.append(group.create_task(by_new.run()))
        await eventually(lambda: len(by_new.answers) > 20)
        assert not by_old.refused()
        at.server.reply = jwks(NEW)
        fetches = at.server.fetches
        await at.until_next_fetch()
        assert not by_old.refused()  # nobody has asked for the set
        assert await at.post(Signer("unknown")) == (401, "token_invalid")
        assert at.server.fetches == fetches + 1
        after = time.monotonic()
        await eventually(lambda: len(by_old.refused(after)) > 10)
        assert {answer for _, answer in by_old.answers if answer[0] != 201} == {
            (401, "token_invalid")
        }
        assert all(answer[0] != 201 for begun, answer in by_old.answers if begun > after)
        assert not by_new.refused()
        for task in tasks:
            task.cancel()


async def test_a_thousand_unknown_keys_cost_their_server_one_fetch_in_half_a_minute(
    tmp_path: Path,
) -> None:
    async with site(tmp_path / "a") as at:
        stranger = Signer("k")
        numbers = iter(range(1_000))

        async def flood(count: int) -> None:
            for number in [next(numbers) for _ in range(count)]:
                stranger.kid = f"unknown-{number}"
                assert await at.post(stranger) == (401, "token_invalid")

        await flood(500)
        assert at.server.fetches <= 1 + int((time.monotonic() - at.began) / EVERY_S)
        await at.until_next_fetch()
        before, begun = at.server.fetches, time.monotonic()
        await asyncio.gather(*(flood(50) for _ in range(10)))
        assert 1 <= at.server.fetches - before <= 1 + int((time.monotonic() - begun) / EVERY_S)
        assert await at.post(OLD) == (201, "")


async def stop(server: JwksServer) -> None:
    await server.stop()


async def slow(server: JwksServer) -> None:
    server.gate.clear()


async def huge(server: JwksServer) -> None:
    server.reply = jwks(OLD, NEW) + b" " * MAX_SET_BYTES


async def many(server: JwksServer) -> None:
    server.reply = jwks(OLD, NEW, *(Signer(f"k{n}").public for n in range(MAX_KEYS)))


async def heal(server: JwksServer) -> None:
    server.reply = jwks(OLD, NEW)
    server.gate.set()
    if not server.running:
        await server.start()


FAULTS = {"stopped": stop, "slow": slow, "huge": huge, "many keys": many}


async def test_known_keys_go_on_while_the_set_cannot_be_read(tmp_path: Path) -> None:
    """All faults at once, each with a writer of its own, for what takes long is waiting."""

    async def suffer(at: Site, name: str) -> None:
        await FAULTS[name](at.server)
        await at.until_next_fetch()
        waiting = asyncio.create_task(at.post(NEW))
        assert await at.post(OLD) == (201, "")
        answer = await waiting
        assert answer == (503, "keys_unavailable"), name
        assert await at.post(OLD) == (201, "")
        await heal(at.server)
        await at.until_taken(NEW)
        assert await at.post(OLD) == (201, "")

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for number, name in enumerate(FAULTS):
            at = await stack.enter_async_context(site(tmp_path / str(number)))
            group.create_task(suffer(at, name))


@pytest.mark.parametrize("name", FAULTS)
async def test_a_writer_that_begins_without_keys_is_up_and_says_so(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    async with started(JwksServer(folder)) as server:
        url = server.url
        await FAULTS[name](server)
        variables = with_keys(folder, OLD) | ALONE | {"SQLITE_PATH": str(folder / "comments.db")}
        variables |= {"AUTH_JWKS": url, "AUTH_JWKS_CA_FILE": str(server.ca_file)}
        writer = WriterProcess(DevelopmentCa.new(), folder, "w1", "127.0.0.1:9", variables)
        async with started(writer):
            assert await Site(server, writer).post(OLD) == (503, "keys_unavailable")
            assert "keys" in str((await writer.state())["degraded"])
            server.gate.set()
