"""A whole service in the test's own process, as the pages see it: what a test says and does to it
by HTTP, while a browser looks at it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import aiohttp

from cluster.ports import free_ports
from identity.tokens import TokenVerifier
from single.app import SingleService
from single.config import Config
from tests.identity_variables import with_keys
from tests.tokens import Signer

SIGNER = Signer()
VIDEO = "v1"
HOUR_S = 3600


class Site:
    """`start`, then `stop`; both again for a service that was away."""

    def __init__(self, folder: Path, **environ: str) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._ahead_s = 0
        self._variables = {
            "PUBLIC_PORT": str(port),  # not one of those that others are given while it is away
            "SQLITE_PATH": str(folder / "comments.db"),
            "DRAIN_WINDOW_S": "0.1",
            **with_keys(folder, SIGNER),
            **environ,
        }

    def page(self, name: str = "embed", video: str = VIDEO) -> str:
        return f"{self.url}/{name}/{video}"

    async def start(self) -> None:
        self._service = SingleService(Config.from_env(self._variables))
        await self._service.start()
        self._service.health.started = True  # as the runner does
        self._set_clock()
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        await self._session.close()
        await self._service.drain()
        await self._service.stop()

    @staticmethod
    def token(role: str = "", **claims: Any) -> str:
        """Of Ann, or of whom the claims say; with a role in all videos."""
        granted = {"lc.roles": {"*": [role]}} if role else {}
        return SIGNER.token(**granted, **claims)

    @classmethod
    def hour_token(cls, role: str = "", **claims: Any) -> str:
        """As `token`, but good for an hour."""
        return cls.token(role, exp=int(time.time()) + HOUR_S, **claims)

    def pass_an_hour(self) -> None:
        """Tokens end as if an hour had passed, and as long as clocks may differ. Tickets, streams
        and all else do not notice.
        """
        self._ahead_s += HOUR_S + 60
        self._set_clock()

    def _set_clock(self) -> None:
        verifier = self._service._authenticator._verifier
        assert isinstance(verifier, TokenVerifier)
        verifier._now = lambda: time.time() + self._ahead_s

    async def call(
        self, method: str, path: str, body: object = None, *, token: str = "", video: str = VIDEO
    ) -> Any:
        """What the API replies to a call under the video; AssertionError if it refuses."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.url}/v1/videos/{video}/{path}"
        async with self._session.request(method, url, json=body, headers=headers) as reply:
            told = await reply.json()
            assert reply.status < 300, told
            return told

    async def say(self, *texts: str, author: str = "bob", video: str = VIDEO) -> list[int]:
        """Post comments without a token; their numbers."""
        posted = [
            await self.call("POST", "comments", {"author": author, "text": text}, video=video)
            for text in texts
        ]
        return [comment["seq"] for comment in posted]

    async def moderate(self, method: str, path: str, body: object = None) -> Any:
        """A call of a moderator."""
        token = self.token("moderator", sub="mo-1", name="Mo")
        return await self.call(method, path, body, token=token)
