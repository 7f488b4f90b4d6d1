"""Our JavaScript client on one process, with what is quick to bring about there."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
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
from writer.new_epoch import renew_epoch

pytestmark = pytest.mark.skipif(NODE is None, reason=NO_NODE)
LIMIT = 1000  # a viewer who is further behind is told of a gap


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    variables = with_keys(tmp_path, ANN, DRAIN_WINDOW_S="0")
    async with (
        aiohttp.ClientSession() as session,
        started(SingleProcess(tmp_path, **variables)) as single,
    ):
        yield Site(single, session)


async def test_posts_replies_and_removals_on_a_page(site: Site) -> None:
    await site.post(3)
    async with NodeClient(site.url, VIDEO, token=ANN.token(), options={"replay": 2}) as client:
        await client.live()
        assert [seq for seq, _ in client.comments] == [2, 3]
        await eventually(lambda: {"now": 1, "peak": 1} in client.named("viewers"))
        first, second = client.post("mine", None), client.post("x" * 501, None)
        await eventually(lambda: len(client.answers()) == 2)
        assert client.answers()[first]["comment"]["author"] == "Ann"
        assert client.answers()[second] == {"code": "invalid_field", "status": 422}
        await site.call("DELETE", "comments/3")
        await eventually(lambda: client.head == 5)
        await eventually(lambda: [seq for seq, *_ in client.shown] == [2, 4])
        await site.call("POST", "comments/3/restore")
        await site.call("PUT", "pin", seq=3)
        await site.call("PATCH", "settings", closed=True)
        await eventually(lambda: client.head == 8)
        await eventually(lambda: [seq for seq, *_ in client.shown] == [2, 3, 4])
        assert client.named("pinned")[-1]["comment"]["seq"] == 3
        assert client.named("settings")[-1]["closed"] is True
        refused = client.post("too late", None)
        await eventually(lambda: refused in client.answers())
        assert client.answers()[refused] == {"code": "closed", "status": 403}


async def test_after_a_long_absence_the_gap_is_filled_and_told(site: Site) -> None:
    await site.post(2)
    async with NodeClient(site.url, VIDEO) as client:
        await eventually(lambda: client.head == 2)
        client.order("close")
        await eventually(lambda: client.state[0] == "closed")
        await site.post(LIMIT + 5, "meanwhile")
        await site.call("DELETE", "comments/2")
        await site.call("DELETE", "comments/7")
        client.order("open")
        await eventually(lambda: client.head == LIMIT + 9)
        stored = await site.log()
        told = [2, *(entry["seq"] for entry in stored if "text" in entry)]
        assert [seq for seq, _ in client.comments] == [1, *sorted(told)[1:]]
        gap = client.named("gap")
        assert [one["filled"] for one in gap] == [True]
        assert gap[0]["from"] == 3
        sources = [args[1]["source"] for event, args in client.events if event == "comment"]
        assert "history" in sources
        assert sources[-1] == "stream"
        await eventually(lambda: client.shown[-1][0] > LIMIT)
        assert 2 not in [seq for seq, *_ in client.shown]


async def test_a_new_epoch_is_a_reset(site: Site, tmp_path: Path) -> None:
    await site.post(3)
    async with NodeClient(site.url, VIDEO) as client:
        await eventually(lambda: client.head == 3)
        await site.single.end(signal.SIGKILL)
        renew_epoch(tmp_path / "comments.db")
        await site.single.start()
        await eventually(lambda: client.named("reset"))
        await site.post(1, "after")
        await eventually(lambda: [4, "after 0", False] in client.shown)
        assert client.named("reset") == [{"reason": "epoch"}]
        assert len({one["id"] for one in client.named("comment")}) == len(client.comments)


async def test_what_was_removed_while_nobody_looked_is_not_shown_again(site: Site) -> None:
    await site.post(3)
    async with NodeClient(site.url, VIDEO) as client:
        await eventually(lambda: client.head == 3)
        client.order("close")
        await eventually(lambda: client.state[0] == "closed")
        await site.call("DELETE", "comments/2")
        await site.post(1, "later")
        client.order("open")
        await eventually(lambda: client.head == 5)
        await eventually(lambda: [seq for seq, *_ in client.shown] == [1, 3, 5])


async def test_the_cursor_of_an_earlier_visit_goes_on_there(site: Site) -> None:
    await site.post(3)
    async with NodeClient(site.url, VIDEO) as client:
        await eventually(lambda: client.head == 3)
        cursor = client.named("cursor")[-1]["cursor"]
    await site.post(2, "later")
    async with NodeClient(site.url, VIDEO, options={"cursor": cursor}) as client:
        await eventually(lambda: client.head == 5)
        assert_whole(client, await site.log(), 4)


async def test_a_bye_and_a_server_that_comes_back(site: Site) -> None:
    async with NodeClient(site.url, VIDEO) as client:
        await site.post(2)
        await eventually(lambda: client.head == 2)
        await site.single.end(signal.SIGTERM)
        await eventually(lambda: client.state[0] == "recovering")
        posts = [client.post(f"while it is away {number}", "rui") for number in range(3)]
        await site.single.start()
        await eventually(lambda: len(client.answers()) == len(posts), 40)
        assert client.all_posted
        await client.live()
        await eventually(lambda: client.head == 5)
        assert_whole(client, await site.log())
        assert "drain" in [told["reason"] for told in client.named("state")]


async def test_where_reading_is_not_for_everybody(tmp_path: Path) -> None:
    closed = {"READ_AUTH": "required"} | with_keys(tmp_path, ANN) | with_ticket_key(tmp_path)
    async with (
        aiohttp.ClientSession() as session,
        started(SingleProcess(tmp_path, **closed)) as single,
    ):
        site = Site(single, session)
        await site.post(2)
        tokens = [ANN.token(exp=1), ANN.token()]
        options = {"history": 1}
        async with NodeClient(site.url, VIDEO, token=tokens, options=options) as client:
            await client.live()
            assert client.named("token") == ["missing", "expired"]
            await site.post(1, "new")
            await eventually(lambda: client.head == 3)
            assert [seq for seq, _ in client.comments] == [2, 3]
        async with NodeClient(site.url, VIDEO) as client:
            await eventually(lambda: client.named("problem"))
            assert client.state == ("closed", "token_missing")
