"""Keeping a node's revocations current: so streams end whose tickets do not count any more."""

from __future__ import annotations

import asyncio

import structlog

from identity.revocations import Revocations
from rtms_node.writers import Writers
from wire.errors import BadRequest, PeerError

log = structlog.get_logger()

# A writer knows of it 2 s after another one was told, and a node 1 s later.
EVERY_S = 1.0


async def follow_revocations(writers: Writers, revocations: Revocations) -> None:
    """Read them for ever. While no writer answers, the last known ones count."""
    while True:
        try:
            reply = await writers.revocations()
        except (PeerError, BadRequest) as exc:
            log.warning("revocations_not_read", error=str(exc))
        else:
            if reply.version != revocations.version:
                revocations.replace(reply.not_before, reply.version)
        await asyncio.sleep(EVERY_S)
