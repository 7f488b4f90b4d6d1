"""A writer's public side with real tokens: a real listener, a real file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from identity.authenticator import Authenticator
from identity.author_id import AuthorIds
from identity.claims import TokenRules
from identity.config import Anonymous
from identity.key_ring import FILE_TIMES, KeyRing
from identity.key_source import KeyFile
from identity.tokens import TokenVerifier
from tests.integration.writer.public_api import PublicApi
from tests.tokens import AUDIENCE, ISSUER, SITE_KEY, Signer, jwks, roles

SIGNER = Signer("k1", "EdDSA")
ANN, BOB = SIGNER.token(), SIGNER.token(sub="bob-1", name="Bob")
MODERATOR = SIGNER.token(sub="mo-1", name="Mo", **roles(v="moderator"))
V = "/v1/videos/v"
NUMBERS = {"id", "video_id", "seq", "created_at"}


class World:
    """A writer's public side. `calls` speak with a token, and return status and body."""

    def __init__(self, folder: Path, anonymous: Anonymous = Anonymous.ANYBODY) -> None:
        (folder / "keys.json").write_bytes(jwks(SIGNER))
        ring = KeyRing(KeyFile(folder / "keys.json"), FILE_TIMES)
        rules = TokenRules(ISSUER, AUDIENCE)
        verifier = TokenVerifier(ring, rules, AuthorIds(SITE_KEY))
        self.authenticator = Authenticator(verifier, anonymous)
        self.api = PublicApi(folder / "c.db", authenticator=self.authenticator)

    async def start(self) -> None:
        await self.api.start()
        await self.authenticator.start(self.api.tasks)

    async def stop(self) -> None:
        await self.api.stop()
        await self.authenticator.stop()

    async def call(
        self, method: str, path: str, token: str | None = None, body: object = None, **headers: str
    ) -> tuple[int, Any]:
        said = {} if token is None else {"Authorization": f"Bearer {token}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.api.client.request(method, path, json=body, headers=said | named) as reply:
            document = await reply.json(content_type=None)
            if reply.status >= 400:
                assert reply.content_type == "application/problem+json"
                return reply.status, document["code"]
            return reply.status, document

    async def post(self, *texts: str, token: str | None = ANN) -> list[Any]:
        body = {} if token else {"author": "guest"}
        return [
            (await self.call("POST", f"{V}/comments", token, body | {"text": text}))[1]
            for text in texts
        ]

    async def texts(self, query: str = "") -> list[str]:
        _, page = await self.call("GET", f"{V}/comments{query}")
        return [comment["text"] for comment in page["comments"]]

    def count(self, name: str, **labels: str) -> float:
        return self.api.registry.get_sample_value(f"livecomments_{name}_total", labels) or 0.0
