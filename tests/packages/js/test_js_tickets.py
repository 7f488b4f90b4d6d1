"""Tickets of half a minute: our JavaScript client stays through the end of two of them."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.identity_variables import with_keys
from tests.integration.single.single_process import SingleProcess
from tests.packages.js.node_client import NO_NODE, NODE, NodeClient
from tests.packages.js.site import ANN, VIDEO, Site
from tests.packages.js.told import assert_whole
from tests.support import eventually, started
from tests.tickets import with_ticket_key

pytestmark = pytest.mark.skipif(NODE is None, reason=NO_NODE)
SHORTEST = {"TICKET_HOURS": "0.01", "READ_AUTH": "required"}  # 36 s
ENDS_WITHIN_S = 40.0


async def test_a_stream_outlives_its_tickets(tmp_path: Path) -> None:
    environ = with_keys(tmp_path, ANN) | with_ticket_key(tmp_path) | SHORTEST
    async with (
        aiohttp.ClientSession() as session,
        started(SingleProcess(tmp_path, **environ)) as single,
    ):
        site = Site(single, session)
        async with NodeClient(site.url, VIDEO, token=ANN.token()) as client:
            await client.live()
            for end in (1, 2):
                await site.post(2)
                await eventually(
                    lambda end=end: client.reasons.count("expired") == end, ENDS_WITHIN_S
                )
                await site.post(2)
                await client.live()
            await eventually(lambda: client.head == 8)
            assert_whole(client, await site.log())
            assert set(client.reasons) == {"", "expired"}
