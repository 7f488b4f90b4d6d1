"""Where key sets come from: a file, or an https URL. An edge."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Protocol

import aiohttp

from identity.keys import MAX_SET_BYTES
from service.client_socket import new_client_socket

DEADLINE_S = 5.0  # of one fetch, from the look-up of the name to the last byte


class KeysNotFetched(Exception):
    """The source is away, slow, too large, or did not answer with 200."""


class KeySource(Protocol):
    """Fetches a key set. secrets: whether shared secrets from here count."""

    secrets: bool

    async def start(self) -> None:
        """Prepare; no I/O over the network."""

    async def stop(self) -> None:
        """Release everything. Idempotent."""

    async def fetch(self) -> bytes:
        """The bytes of the set, at most MAX_SET_BYTES. Raises KeysNotFetched."""


class KeyFile:
    """A file that is replaced whole when keys change."""

    secrets = True

    def __init__(self, path: Path) -> None:
        self._path = path

    async def start(self) -> None:
        """Nothing to prepare."""

    async def stop(self) -> None:
        """Nothing to release."""

    async def fetch(self) -> bytes:
        """As the protocol says."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_SET_BYTES + 1)
        except OSError as exc:
            raise KeysNotFetched(f"{self._path}: {exc.strerror}") from exc
        if len(data) > MAX_SET_BYTES:
            raise KeysNotFetched(f"{self._path}: over {MAX_SET_BYTES} bytes")
        return data


class KeyUrl:
    """An https URL. Redirects are not followed: they could lead to where nobody vouches for the
    keys. ca_file: who is believed instead of the system's authorities.
    """

    secrets = False

    def __init__(
        self, url: str, ca_file: Path | None = None, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._url, self._ca_file, self._deadline_s = url, ca_file, deadline_s
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Read the authorities. Raises OSError or ssl.SSLError if the file cannot be used."""
        context = ssl.create_default_context(cafile=self._ca_file)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=context, force_close=True, socket_factory=new_client_socket
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # a small reply must not become a large one
            headers={"Accept": "application/jwk-set+json, application/json"},
        )

    async def stop(self) -> None:
        """As the protocol says."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self) -> bytes:
        """As the protocol says."""
        if self._session is None:
            raise KeysNotFetched("not started")
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                self._session.get(self._url, allow_redirects=False) as response,
            ):
                return await _read(response)
        except KeysNotFetched:
            raise
        # What a server answers may be anything, and the libraries on the way fail on it in many
        # ways (see service.http_client).
        except Exception as exc:
            raise KeysNotFetched(f"{type(exc).__name__} {exc}".rstrip()) from exc


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if response.status != 200:
        raise KeysNotFetched(f"status {response.status}")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_SET_BYTES:
            response.close()
            raise KeysNotFetched(f"over {MAX_SET_BYTES} bytes")
    return bytes(body)
