"""Moderating a cluster on this machine, as its own moderator or service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import aiohttp

from cluster.errors import ClusterError, NotAnAuthor, NotAVideo
from wire.ids import is_author_id, is_video_id

TOKEN_LIFE_S = 60  # of the token that one command makes for itself, beside how long it waits
_DEADLINE_S = 15.0
_PURGE_DEADLINE_S = 60.0
_ASKED_EVERY_S = 0.5


class _Calls:
    """Calls of docs/protocol.md with one token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def call(
        self, method: str, path: str, body: object = None, *, deadline_s: float = _DEADLINE_S
    ) -> dict[str, Any]:
        """What a success replies. Raises ClusterError."""
        timeout = aiohttp.ClientTimeout(total=deadline_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(
                    method, f"{self._url}/{path}", json=body, headers=self._headers
                ) as reply,
            ):
                document: dict[str, Any] = await reply.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            raise ClusterError(f"{self._url} does not answer: {exc!r}") from exc
        if reply.status >= 300:
            detail = document.get("detail") or document.get("title")
            raise ClusterError(f"refused ({document.get('code')}): {detail}")
        return document


class Moderation:
    """Of one video at one origin. token: of a moderator of the video."""

    def __init__(self, base_url: str, token: str, video_id: str) -> None:
        """Raises NotAVideo for an impossible id."""
        if not is_video_id(video_id):
            raise NotAVideo(video_id)
        self._calls = _Calls(f"{base_url}/v1/videos/{video_id}", token)

    async def remove(self, seqs: Sequence[int], reason: str | None) -> list[dict[str, Any]]:
        """The notices by which these comments are removed now. Raises ClusterError."""
        body: dict[str, Any] = {"seqs": list(seqs)} | ({"reason": reason} if reason else {})
        reply = await self._calls.call("POST", "removals", body)
        notices: list[dict[str, Any]] = reply["notices"]
        return notices

    async def restore(self, seq: int) -> dict[str, Any]:
        """The comment that is shown again. Raises ClusterError."""
        return await self._calls.call("POST", f"comments/{seq}/restore")

    async def ban(
        self, author_id: str, *, until: str | None, purge: bool, reason: str | None
    ) -> dict[str, Any]:
        """The sanction. until: RFC 3339, None for ever. A purge that was cut off is completed by
        the same call again. Raises ClusterError.
        """
        given = {"until": until, "purge": purge or None, "reason": reason}
        body = {name: value for name, value in given.items() if value is not None}
        deadline_s = _PURGE_DEADLINE_S if purge else _DEADLINE_S
        path = f"sanctions/{_checked(author_id)}"
        return await self._calls.call("PUT", path, body, deadline_s=deadline_s)

    async def lift(self, author_id: str) -> None:
        """The author may post again. Raises ClusterError."""
        await self._calls.call("DELETE", f"sanctions/{_checked(author_id)}")


async def erase(base_url: str, token: str, author_id: str, limit_s: float) -> None:
    """Destroy all that an author has written; returns when it is done. token: of a service.

    Raises ClusterError, also if it is not done in `limit_s`: it goes on nevertheless.
    """
    calls = _Calls(f"{base_url}/v1", token)
    deadline = time.monotonic() + limit_s
    state = await calls.call("POST", "erasures", {"author_id": _checked(author_id)})
    while not state["done"]:
        if time.monotonic() >= deadline:
            raise ClusterError(
                f"not done after {limit_s:g} s; it goes on, and the same command waits again"
            )
        await asyncio.sleep(_ASKED_EVERY_S)
        state = await calls.call("GET", f"erasures/{author_id}")


def _checked(author_id: str) -> str:
    if not is_author_id(author_id):
        raise NotAnAuthor(author_id)
    return author_id
