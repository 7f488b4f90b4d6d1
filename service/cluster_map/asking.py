"""Asking other processes over plain HTTP: names looked up, deadlines, bounded replies.

What comes back may be anything, and so may the way in which a library fails on it: every error is
told in a few words of our own, never with a peer's.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address

import aiohttp

from service.cluster_map.answer import MAX_ANSWER_BYTES
from service.cluster_map.peers import OpsPeer
from service.cluster_map.roster import Target

Session = aiohttp.ClientSession


class NoAnswer(Exception):
    """A peer did not answer as it should; str() says how."""


class Resolver:
    """Looks names up. One that takes long goes on after the deadline, and nobody asks for the same
    name a second time meanwhile: each look-up occupies a thread. Until it ends, what was found the
    last time counts.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._found: dict[str, list[str]] = {}

    async def resolve(
        self, entries: Sequence[OpsPeer], deadline: float
    ) -> dict[OpsPeer, list[str] | None]:
        """The addresses of each entry, none for a name that stands for nothing. None for one whose
        first look-up has not ended before `deadline` (of the loop's clock).
        """
        names = {entry.host for entry in entries if not _is_ip(entry.host)}
        self._found = {name: self._found[name] for name in names if name in self._found}
        tasks = [self._task(name) for name in names]
        if tasks:
            left_s = max(deadline - asyncio.get_running_loop().time(), 0)
            await asyncio.wait(tasks, timeout=left_s)
        return {
            entry: self._found.get(entry.host) if entry.host in names else [entry.host]
            for entry in entries
        }

    def close(self) -> None:
        """Wait for nothing more. Idempotent."""
        for task in self._under_way.values():
            task.cancel()

    def _task(self, name: str) -> asyncio.Task[None]:
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.create_task(self._look_up(name))
            task.add_done_callback(lambda _: self._under_way.pop(name, None))
        return task

    async def _look_up(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        self._found[name] = sorted({str(address[0]) for *_, address in found})


@asynccontextmanager
async def open_session() -> AsyncIterator[Session]:
    """For the questions of one gathering; no connection is kept."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(
        connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


async def fetch(session: Session, target: Target, path: str, deadline: float) -> bytes:
    """The body of a 200 reply. Raises NoAnswer for anything else, and after `deadline` (of the
    loop's clock).
    """
    try:
        async with (
            asyncio.timeout_at(deadline),
            session.get(f"http://{target.address}{path}", allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise NoAnswer(f"it answers with status {response.status}")
            return await _read(response)
    except NoAnswer:
        raise
    except TimeoutError as exc:
        raise NoAnswer("no answer in time") from exc
    except aiohttp.ClientConnectorError as exc:
        raise NoAnswer("no connection") from exc
    except Exception as exc:  # see above
        raise NoAnswer("its answer cannot be read") from exc


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise NoAnswer(f"its answer is over {MAX_ANSWER_BYTES // 1024} KiB")
    return bytes(body)


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
