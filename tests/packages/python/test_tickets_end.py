"""Tickets that the server itself gave, to their real end, twice: half a minute each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livecomments_client import Gap
from tests.identity_variables import with_keys
from tests.integration.single.conftest import Single
from tests.packages.python.people import comments, readers, reasons
from tests.packages.python.test_access import Gate
from tests.support import eventually
from tests.tickets import with_ticket_key
from tests.tokens import Signer

SHORTEST_HOURS = "0.01"
RENEWALS = 2
PACE_S = 0.5


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    signer = Signer()
    variables = with_keys(tmp_path, signer, READ_AUTH="required", TICKET_HOURS=SHORTEST_HOURS)
    single = Single(tmp_path / "comments.db", **variables, **with_ticket_key(tmp_path))
    await single.service.start()
    single.service.health.started = True  # as the runner does
    yield Gate(single, signer)
    await single.stop()


async def test_streams_go_on_with_the_next_ticket(gate: Gate) -> None:
    posted = 0
    async with readers(gate.url, gate.video_id, token=lambda why: gate.good()) as both:
        async with asyncio.timeout(170):
            while any(len(reasons(reader.events)) < RENEWALS for reader in both):
                posted += 1
                await gate.post(f"comment {posted}")
                await asyncio.sleep(PACE_S)
        await eventually(lambda: all(len(comments(r.events)) == posted for r in both))
        for reader in both:
            assert [comment.seq for comment in comments(reader.events)] == list(
                range(1, posted + 1)
            )
            assert set(reasons(reader.events)) == {"expired"}
            assert not any(isinstance(event, Gap) for event in reader.events)
