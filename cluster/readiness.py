"""Whether a part is ready, asked of the part itself; each kind is asked in its own way.

A reply is never waited for longer than DEADLINE_S; a part that does not reply is not ready.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from cluster.addresses import join_port
from cluster.parts import Kind, Part
from cluster.servers import cassandra, dynalite, redis_server, zookeeper

DEADLINE_S = 1.0
_MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a part does its work now, and in a few words how it is (`ready`, `starting`,
    `draining`, `degraded: zookeeper away`, `leader`, `no answer` ...).
    """

    ready: bool
    words: str
    without: tuple[str, ...] = ()  # what it cannot reach and works without


NO_ANSWER = Readiness(False, "no answer")


async def fetch_readiness(part: Part, host: str | None) -> Readiness:
    """Ask the part itself, at the address that it has now."""
    if host is None:
        return NO_ANSWER
    if part.kind is Kind.ZOOKEEPER:
        mode = await zookeeper.fetch_mode(host, part.ports["client"])
        return Readiness(True, mode) if mode else NO_ANSWER
    if part.kind is Kind.CASSANDRA:
        serves = await cassandra.answers(host, part.ports["cql"], DEADLINE_S)
        return Readiness(True, "ready") if serves else NO_ANSWER
    if part.kind is Kind.DYNALITE:
        serves = await dynalite.answers(host, part.ports["client"], DEADLINE_S)
        return Readiness(True, "ready") if serves else NO_ANSWER
    if part.kind is Kind.REDIS:
        serves = await redis_server.answers(host, part.ports["client"], DEADLINE_S)
        return Readiness(True, "ready") if serves else NO_ANSWER
    port = part.ports["http" if part.kind is Kind.HAPROXY else "ops"]
    reply = await fetch_json(host, port, "/readyz")
    if reply is None:
        return NO_ANSWER
    status, body = reply
    without = tuple(body.get("degraded") or ())
    return Readiness(status == 200, _words(part.kind, status, body), without)


async def fetch_state(part: Part, host: str | None) -> dict[str, Any]:
    """What one of our processes reports in `/state`; {} if it does not answer."""
    reply = await fetch_json(host, part.ports["ops"], "/state") if host is not None else None
    return reply[1] if reply is not None and reply[0] == 200 else {}


async def fetch_json(host: str, port: int, path: str) -> tuple[int, dict[str, Any]] | None:
    """Status and JSON object of a plain HTTP reply; None if there is none."""
    try:
        async with (
            asyncio.timeout(DEADLINE_S),
            aiohttp.ClientSession() as session,
            session.get(f"http://{join_port(host, port)}{path}", allow_redirects=False) as response,
        ):
            body = msgspec.json.decode(await response.content.read(_MAX_BODY_BYTES))
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None
    except msgspec.DecodeError:
        return response.status, {}
    return response.status, body if isinstance(body, dict) else {}


def _words(kind: Kind, status: int, body: dict[str, Any]) -> str:
    if kind is Kind.HAPROXY:
        return "ready" if status == 200 else "no node or no writer is up"
    degraded = body.get("degraded") or {}
    if degraded:
        return "degraded: " + ", ".join(f"{name} {how}" for name, how in degraded.items())
    return str(body.get("status", "ready" if status == 200 else f"status {status}"))
