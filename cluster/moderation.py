"""Removing and restoring comments of a cluster on this machine, as its own moderator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp

from cluster.errors import ClusterError, NotAVideo
from wire.ids import is_video_id

TOKEN_LIFE_S = 60  # of the token that one command makes for itself
_DEADLINE_S = 15.0


class Moderation:
    """The calls of docs/protocol.md at one origin. token: of a moderator of the video."""

    def __init__(self, base_url: str, token: str, video_id: str) -> None:
        """Raises NotAVideo for an impossible id."""
        if not is_video_id(video_id):
            raise NotAVideo(video_id)
        self._video_url = f"{base_url}/v1/videos/{video_id}"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def remove(self, seqs: Sequence[int], reason: str | None) -> list[dict[str, Any]]:
        """The notices by which these comments are removed now. Raises ClusterError."""
        body: dict[str, Any] = {"seqs": list(seqs)} | ({"reason": reason} if reason else {})
        reply = await self._post("removals", body)
        notices: list[dict[str, Any]] = reply["notices"]
        return notices

    async def restore(self, seq: int) -> dict[str, Any]:
        """The comment that is shown again. Raises ClusterError."""
        return await self._post(f"comments/{seq}/restore", None)

    async def _post(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=_DEADLINE_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    f"{self._video_url}/{path}", json=body, headers=self._headers
                ) as reply,
            ):
                document: dict[str, Any] = await reply.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            raise ClusterError(f"{self._video_url} does not answer: {exc!r}") from exc
        if reply.status != 200:
            detail = document.get("detail") or document.get("title")
            raise ClusterError(f"refused ({document.get('code')}): {detail}")
        return document
