"""A revocation without a time, as somebody sends it who wants a person out now: within 5 s nothing
of that person counts on any process, however hard the person's page tries meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.issuer import DevelopmentIssuer
from cluster.parts import Kind
from tests.bounds import record
from tests.chaos.history import Watch
from tests.e2e.conftest import Shape
from tests.e2e.contract import servers, watching, writers
from tests.e2e.test_reading import Reader, closed
from tests.support import TIMEOUT_FACTOR, eventually, wait_out
from wire.topology import Topology

TOPOLOGIES = (Topology.DISPATCHER, Topology.BROADCAST, Topology.SINGLE)
SMALL = True
pytestmark = pytest.mark.timeout(300)

PROMISED_S = 5.0
MARGIN_S = 1.0 * TIMEOUT_FACTOR  # what a busy machine adds to a promise
ASKED_FOR_S = 8.0 * TIMEOUT_FACTOR
EVERY_S = 0.1
PEOPLE, APART_S = 4, 0.5


@dataclass
class Tried:
    """What one writer answered: when it was asked, in seconds since the revocation, and how."""

    tickets: list[tuple[float, int, str]] = field(default_factory=list)
    posts: list[tuple[float, int]] = field(default_factory=list)


class Person(Reader):
    """A reader whose page goes on with an old token."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession, name: str) -> None:
        super().__init__(cluster, session)
        self.issuer = DevelopmentIssuer.load(cluster.folder.issuer)
        self.name, self.session = name, session
        self.tickets = list[str]()  # all that were given, ever
        self.figures = (0.0, 0.0)  # when streams ended, when the last ticket was given
        self.log_in()

    def log_in(self) -> None:
        self.token = self.issuer.token({"sub": self.name, "name": self.name}, {}, 3600)

    async def author_id(self) -> str:
        return (await self.ask("GET", "me", token=self.token))[1]["author_id"]

    async def post_at(self, writer: str) -> int:
        url = f"{self.cluster.url(writer, 'public')}/v1/videos/{self.video}/comments"
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.post(url, json={"text": "hi"}, headers=headers) as reply:
            return reply.status

    async def revoke_at(self, writer: str) -> None:
        """By a program of the site; it says no time."""
        token = self.issuer.token({"sub": "bot"}, {"*": ["service"]}, 600)
        url, body = f"{self.cluster.url(writer, 'public')}/v1/revocations", await self.author_id()
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.post(url, json={"author_id": body}, headers=headers) as reply:
            assert reply.status == 201

    async def keep_trying(self, writer: str, begun: float, tried: Tried) -> None:
        while (at := time.monotonic() - begun) < ASKED_FOR_S:
            status, given = await self.ask("POST", "tickets", token=self.token, at=writer)
            tried.tickets.append((at, status, given.get("ticket", "")))
            tried.posts.append((time.monotonic() - begun, await self.post_at(writer)))
            await asyncio.sleep(EVERY_S)

    async def shut_out(self) -> None:
        """Every process: it gives no ticket, opens no stream for an earlier one, takes no post."""
        for writer in writers(self.cluster):
            status, problem = await self.ask("POST", "tickets", token=self.token, at=writer)
            assert (status, problem["code"]) == (401, "token_invalid"), writer
            assert await self.post_at(writer) == 401, writer
        for at in servers(self.cluster):
            for ticket in self.tickets:
                found, body = await self.stream(f"ticket={ticket}", at)
                assert found == 401, (at, body)
                assert json.loads(body)["code"] == "ticket_invalid"


@pytest.fixture
async def cluster(shape: Shape, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with closed(shape, tmp_path) as cluster:
        yield cluster


async def test_within_its_time_nothing_of_a_revoked_person_counts(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """Four of them, one after the other: at some moment another writer has just read what is
    revoked, and hears of the next one two seconds later.
    """
    people = [Person(cluster, session, f"eve-{number}") for number in range(PEOPLE)]
    async with asyncio.TaskGroup() as tasks:
        for number, person in enumerate(people):
            tasks.create_task(revoked(person, number * APART_S))
    figures = [person.figures for person in people]
    ended, last = (max(one[place] for one in figures) for place in (0, 1))
    record(f"revoked: streams ended {ended:.1f} s, the last ticket was given {last:.1f} s after it")
    await restart(cluster)
    for person in people:
        await person.shut_out()
    person.log_in()  # again, later
    for at in servers(cluster):
        async with watching(cluster, person.video, f"ticket={await person.ticket()}", at=at):
            pass


async def revoked(person: Person, after_s: float) -> None:
    """Ends when it is known that nothing of the person counts any more."""
    cluster, other = person.cluster, Reader(person.cluster, person.session)
    other.video = person.video
    await other.post()
    before = [await person.ticket(at) for at in writers(cluster)]
    others_ticket = await other.ticket()
    async with AsyncExitStack() as stack:
        streams = {
            (at, ticket): await stack.enter_async_context(
                watching(cluster, person.video, f"ticket={ticket}", at=at)
            )
            for at in servers(cluster)
            for ticket in (before[-1], others_ticket)
        }
        mine = [watch for (_, ticket), watch in streams.items() if ticket != others_ticket]
        await wait_out(after_s)
        begun = time.monotonic()
        await person.revoke_at(writers(cluster)[0])
        tried = {writer: Tried() for writer in writers(cluster)}
        async with asyncio.TaskGroup() as tasks:
            for writer, one in tried.items():
                tasks.create_task(person.keep_trying(writer, begun, one))
            ended = tasks.create_task(until_ended(mine, begun))
        assert ended.result() <= PROMISED_S + MARGIN_S
        others = [watch for (_, ticket), watch in streams.items() if ticket == others_ticket]
        assert not [one for one in others if reasons(one)]
    for writer, one in tried.items():
        late = [status for at, status, _ in one.tickets if at > PROMISED_S + MARGIN_S]
        late += [status for at, status in one.posts if at > PROMISED_S + MARGIN_S]
        assert set(late) == {401}, writer
    given = sorted(one for tries in tried.values() for one in tries.tickets if one[1] == 200)
    person.figures = (ended.result(), given[-1][0] if given else 0.0)
    person.tickets = before + [ticket for _, _, ticket in given]
    await person.shut_out()


async def until_ended(watches: list[Watch], begun: float) -> float:
    """When the last of them was told that it ends, in seconds."""
    await eventually(lambda: all("expired" in reasons(one) for one in watches), ASKED_FOR_S)
    return time.monotonic() - begun


def reasons(watch: Watch) -> list[Any]:
    return [event.data["reason"] for event in watch.events if event.type == "bye"]


async def restart(cluster: Cluster) -> None:
    """Every process that is ours, all at once."""
    ours = (Kind.WRITER, Kind.DISPATCHER, Kind.NODE, Kind.SINGLE)
    names = [part.name for part in cluster.parts if part.kind in ours]
    for name in names:
        await cluster.kill(name)
    await cluster.up()
