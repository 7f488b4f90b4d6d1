"""Videos that are not for everybody: tokens and tickets of both clients, and their ends."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from livecomments_client import AsyncClient, Posted, Problem
from tests.identity_variables import with_keys
from tests.integration.single.conftest import Single
from tests.packages.python.people import (
    READERS,
    Reader,
    comments,
    is_live,
    readers,
    reasons,
)
from tests.support import eventually
from tests.tickets import make_ticket, with_ticket_key
from tests.tokens import Signer, roles


class Gate:
    """A server where whoever reads shows a ticket, and an application that gives tokens."""

    def __init__(self, single: Single, signer: Signer) -> None:
        self.single = single
        self.url = f"http://127.0.0.1:{single.service.public_port}"
        self.video_id = secrets.token_hex(6)
        self.signer = signer
        self.asked: list[str] = []

    def token(self, why: str) -> str:
        """The first one is over."""
        self.asked.append(why)
        return self.signer.token(exp=int(time.time()) - 60) if why == "missing" else self.good()

    def good(self, **claims: Any) -> str:
        return self.signer.token(**claims)

    def end_streams(self) -> None:
        """As if the tickets of all streams were over."""
        hub = self.single.service._node.hub
        for viewer in list(hub.viewers):
            hub.ends.discard(viewer)
            hub.ends.add(viewer, 0)

    async def post(self, *texts: str) -> None:
        async with AsyncClient(self.url, token=self.good()) as client:
            for text in texts:
                assert isinstance(await client.video(self.video_id).post(text), Posted)


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    signer = Signer()
    variables = with_keys(tmp_path, signer, READ_AUTH="required") | with_ticket_key(tmp_path)
    single = Single(tmp_path / "comments.db", **variables)
    await single.service.start()
    single.service.health.started = True  # as the runner does
    yield Gate(single, signer)
    await single.stop()


async def all_have(both: list[Reader], count: int) -> None:
    await eventually(lambda: all(len(comments(reader.events)) == count for reader in both), 40)


async def test_a_token_that_is_over_is_renewed_and_a_ticket_fetched(gate: Gate) -> None:
    await gate.post("one", "two")
    async with readers(gate.url, gate.video_id, token=gate.token, history=10) as both:
        await gate.post("three")
        await all_have(both, 3)
    assert sorted(gate.asked) == ["expired", "expired", "missing", "missing"]


async def test_a_ticket_that_ends_is_renewed_and_nothing_is_missed(gate: Gate) -> None:
    both: list[Reader] = [kind(gate.url, gate.video_id, gate.good()) for kind in READERS.values()]
    for reader in both:
        ending = make_ticket(gate.video_id)
        ticket = reader.video._core.ticket
        ticket.drop()
        ticket.keep(ending, time.monotonic() - 60)
        await reader.start()
    await eventually(lambda: all(is_live(reader) for reader in both))
    await gate.post("one")
    gate.end_streams()
    await eventually(lambda: all(reasons(reader.events) == ["expired"] for reader in both))
    await gate.post("two")
    await all_have(both, 2)
    for reader in both:
        assert reader.video._core.ticket.value != ending
        await reader.stop()
        assert reader.failed is None


async def test_who_may_not_read_is_told_why(gate: Gate) -> None:
    elsewhere = gate.good(**roles(other="viewer"))
    cases: dict[str, Any] = {"ticket_missing": None, "forbidden": elsewhere, "token_invalid": "x"}
    for code, token in cases.items():
        for kind in READERS.values():
            reader = kind(gate.url, gate.video_id, token)
            await reader.start()
            await eventually(lambda reader=reader: reader.failed is not None)
            assert isinstance(reader.failed, Problem)
            assert reader.failed.code == code == reader.video.reason
            await reader.stop()


async def test_streams_of_a_token_that_is_revoked_end(gate: Gate) -> None:
    async with AsyncClient(gate.url, token=gate.good()) as client:
        author_id = (await client.video(gate.video_id).me()).author_id
    admin = gate.signer.token(sub="root", **roles(**{"*": "admin"}))
    async with readers(gate.url, gate.video_id, token=gate.good()) as both:
        body = {"author_id": author_id, "not_before": int(time.time()) + 3_600}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{gate.url}/v1/revocations",
                json=body,
                headers={"Authorization": f"Bearer {admin}"},
            ) as reply,
        ):
            assert reply.status == 201
        await eventually(lambda: all(reader.failed is not None for reader in both))
        for reader in both:
            assert isinstance(reader.failed, Problem)
            assert reader.failed.code == "token_invalid"


async def test_a_coroutine_may_give_the_tokens_and_its_errors_are_raised(gate: Gate) -> None:
    async def token(why: str) -> str:
        return gate.good()

    async def broken(why: str) -> str:
        raise ZeroDivisionError

    async with AsyncClient(gate.url, token=token) as client:
        assert isinstance(await client.video(gate.video_id).post("hi"), Posted)
    async with AsyncClient(gate.url, token=broken) as client:
        with pytest.raises(ZeroDivisionError):
            await client.video(gate.video_id).post("hi")
