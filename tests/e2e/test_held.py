"""Held comments in a whole cluster: decided once, over all writers, whoever dies."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.e2e.author import Author
from tests.e2e.contract import writers
from tests.e2e.moderator import Moderator
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
STORES = ("sqlite", "cassandra", "dynamodb")
SMALL = True
pytestmark = pytest.mark.timeout(300)

FILTERS = {"terms": [{"term": "hmm", "action": "hold"}]}
HELD = 10


@pytest.fixture
def moderators(
    cluster: Cluster, session: aiohttp.ClientSession, video_id: str
) -> tuple[Moderator, Moderator]:
    return (
        Moderator(cluster, session, video_id, "Mo"),
        Moderator(cluster, session, video_id, "Rita"),
    )


async def decide(
    moderator: Moderator, held_id: str, decision: str, at: str
) -> tuple[int, dict[str, Any]]:
    body = {"decision": decision}
    status, text = await moderator.ask("POST", f"/held/{held_id}", body, at=at)
    return status, json.loads(text)


async def hold(moderator: Moderator, author: Author, count: int) -> list[str]:
    """Their ids; the text of each has its number, the key too."""
    await moderator.call("PUT", "/filters", FILTERS)
    told = await asyncio.gather(
        *(author.until_told(f"hmm {number}", f"key-{number}") for number in range(count))
    )
    assert {status for status, _ in told} == {202}
    return [document["held"] for _, document in told]


async def texts(moderator: Moderator) -> list[str]:
    """Of all comments, in alphabetic order."""
    return sorted(entry["text"] for entry in await moderator.log() if "type" not in entry)


@pytest.mark.parametrize("second", ["approve", "deny"])
async def test_two_moderators_over_two_writers(
    cluster: Cluster, moderators: tuple[Moderator, Moderator], author: Author, second: str
) -> None:
    """All at once: of each pair one counts, the other is told so, and a comment is posted once."""
    places = writers(cluster)[0], writers(cluster)[-1]
    held = await hold(moderators[0], author, HELD)
    calls = [
        decide(moderator, one, decision, at)
        for one in held
        for moderator, decision, at in zip(moderators, ("approve", second), places, strict=True)
    ]
    told = await asyncio.gather(*calls)
    approved = []
    for number in range(HELD):
        pair = told[2 * number : 2 * number + 2]
        ((_, won),) = [answer for answer in pair if answer[0] == 200]
        ((_, lost),) = [answer for answer in pair if answer[0] == 409]
        assert (lost["code"], lost["detail"]) == ("decided", f"it was {won['state']}")
        if won["state"] == "approved":
            assert won["comment"]["text"] == f"hmm {number}"
            approved.append(number)
    assert second == "deny" or len(approved) == HELD
    assert await texts(moderators[0]) == sorted(f"hmm {number}" for number in approved)
    for at in places:
        assert json.loads((await moderators[1].ask("GET", "/held", at=at))[1]) == {"held": []}
    for number in range(HELD):
        status, document = await author.until_told(f"hmm {number}", f"key-{number}")
        assert (status, document.get("code")) == (
            (200, None) if number in approved else (422, "blocked")
        )


async def test_a_held_comment_survives_the_writers(
    cluster: Cluster, moderators: tuple[Moderator, Moderator], author: Author
) -> None:
    moderator, other = moderators
    (held_id,) = await hold(moderator, author, 1)
    for name in writers(cluster):
        await cluster.kill(name)
        await cluster.start(name)
    decision = {"decision": "approve"}
    decided = await moderator.call("POST", f"/held/{held_id}", decision)
    assert decided["comment"]["text"] == "hmm 0"
    assert await moderator.call("POST", f"/held/{held_id}", decision) == decided
    assert (await decide(other, held_id, "approve", writers(cluster)[-1]))[0] == 409
    assert (await author.until_told("hmm 0", "key-0")) == (200, decided["comment"])
    assert await texts(moderator) == ["hmm 0"]


async def test_decisions_while_their_writers_die(
    cluster: Cluster, moderators: tuple[Moderator, Moderator], author: Author
) -> None:
    """Two moderators approve all through the gateway while one writer after the other is killed:
    whatever died in between, each comment is there once, and none is left over.
    """
    held = await hold(moderators[0], author, 3 * HELD)

    async def approve(moderator: Moderator) -> list[int]:
        return [(await decide(moderator, one, "approve", Kind.HAPROXY))[0] for one in held]

    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(approve(moderator)) for moderator in moderators]
        for name in writers(cluster):
            await cluster.kill(name)
            await cluster.start(name)
    for pair in zip(*(task.result() for task in both), strict=True):
        assert sorted(pair) == [200, 409]
    assert await texts(moderators[0]) == sorted(f"hmm {number}" for number in range(3 * HELD))
    assert await moderators[1].call("GET", "/held") == {"held": []}


async def test_a_banned_author_takes_no_place_of_others(
    cluster: Cluster, moderators: tuple[Moderator, Moderator], author: Author
) -> None:
    moderator, _ = moderators
    await moderator.call("PUT", "/filters", FILTERS)
    await moderator.call(
        "PUT", f"/sanctions/{await author.author_id()}", {}, at=writers(cluster)[0]
    )
    for at in writers(cluster):
        status, problem = await author.until_told("hmm", secrets.token_hex(8), at=at)
        assert (status, problem["code"]) == (403, "banned")
    assert await moderator.call("GET", "/held") == {"held": []}
