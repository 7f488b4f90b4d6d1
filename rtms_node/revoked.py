"""Keeping a node's revocations current: so streams end whose tickets do not count any more."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from identity.revocations import Revocations
from rtms_node.writers import Writers
from wire.errors import BadRequest, PeerError

log = structlog.get_logger()

# A writer knows of it 2 s after another one was told, and a node 1 s later.
EVERY_S = 1.0
FIRST_WITHIN_S = 1.0
_FIRST_PAUSE_S = 0.1


async def learn_revocations(writers: Writers, revocations: Revocations) -> None:
    """Read them before anybody is let in; FIRST_WITHIN_S at most. While they are not known, whoever
    comes with a ticket is sent away, and comes back soon.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_WITHIN_S):
            while True:
                if await _learn(writers, revocations):
                    return
                await asyncio.sleep(_FIRST_PAUSE_S)


async def follow_revocations(writers: Writers, revocations: Revocations) -> None:
    """Read them for ever. While no writer answers, the last known ones count."""
    while True:
        await _learn(writers, revocations)
        await asyncio.sleep(EVERY_S if revocations.known else _FIRST_PAUSE_S)


async def _learn(writers: Writers, revocations: Revocations) -> bool:
    """Whether a writer has answered."""
    try:
        reply = await writers.revocations()
    except (PeerError, BadRequest) as exc:
        if revocations.known:
            log.warning("revocations_not_read", error=str(exc))
        return False
    if reply.version != revocations.version or not revocations.known:
        revocations.learn(reply.not_before, reply.version)
    return True
