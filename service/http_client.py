"""Calls between our processes: HTTPS, the peer proven by name before a byte is sent, deadlines,
bounded replies.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping

import aiohttp
import structlog

from service.client_socket import new_client_socket
from service.edge import REQUEST_ID
from service.link.limits import CLOSE_WITHIN_S
from service.link.socket import LinkSocket
from service.logs import current_request_id, new_request_id
from service.tls import TlsFiles
from wire.errors import PeerError
from wire.internal import MAX_INTERNAL_BYTES
from wire.roles import Peer

log = structlog.get_logger()

# A peer that is called by name (in containers) may have another address after a start.
_NAMES_KEPT_S = 1
_HEX = re.compile(r"(?=.*[1-9a-f])[0-9a-f]{1,32}", re.ASCII)  # all zeros is no trace


class InternalClient:
    """One per process. The address comes from a znode and is not trusted: the certificate's name
    is. So a peer in `detours` (role/id -> host and port) may be called somewhere else than it says.
    """

    def __init__(
        self,
        tls: TlsFiles,
        *,
        deadline_s: float = 2.0,
        per_peer: int = 8,
        detours: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        self._tls = tls
        self._detours = detours or {}
        self._deadline_s = deadline_s
        self._per_peer = per_peer
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the connection pool (no I/O yet)."""
        connector = aiohttp.TCPConnector(
            limit=0,
            limit_per_host=self._per_peer,
            keepalive_timeout=30,
            ttl_dns_cache=_NAMES_KEPT_S,
            socket_factory=new_client_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def stop(self) -> None:
        """Close all connections. Idempotent."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(
        self, peer: Peer, path: str, body: bytes, *, deadline_s: float | None = None
    ) -> bytes:
        """The body of a 200 reply; raises PeerError for anything else, a late or an oversized reply
        included.
        """
        return await self._call(peer, "POST", path, body, deadline_s)

    async def get(self, peer: Peer, path: str, *, deadline_s: float | None = None) -> bytes:
        """As `post`."""
        return await self._call(peer, "GET", path, None, deadline_s)

    async def open_link(self, peer: Peer, path: str) -> LinkSocket:
        """A connection of a link (see service.link). Raises PeerError."""
        if self._session is None:
            raise PeerError("not started")
        try:
            async with asyncio.timeout(self._deadline_s):
                socket = await self._session.ws_connect(
                    f"https://{self._authority(peer)}{path}",
                    ssl=self._tls.client(),
                    server_hostname=peer.dns_name,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_WITHIN_S),
                    headers={REQUEST_ID: new_request_id()},
                    max_msg_size=MAX_INTERNAL_BYTES,
                )
        except aiohttp.WSServerHandshakeError as exc:
            raise _refused(peer, exc.status) from exc
        except Exception as exc:  # as in _call
            raise _failed(peer, exc) from exc
        return LinkSocket(socket)

    async def _call(
        self, peer: Peer, method: str, path: str, body: bytes | None, deadline_s: float | None
    ) -> bytes:
        if self._session is None:
            raise PeerError("not started")
        request_id = current_request_id() or new_request_id()
        try:
            async with (
                asyncio.timeout(deadline_s or self._deadline_s),
                self._session.request(
                    method,
                    f"https://{self._authority(peer)}{path}",
                    data=body,
                    ssl=self._tls.client(),
                    server_hostname=peer.dns_name,
                    allow_redirects=False,
                    headers={
                        "Content-Type": "application/json",
                        REQUEST_ID: request_id,
                        "traceparent": _trace_parent(request_id),
                    },
                ) as response,
            ):
                return await _read(response, peer)
        except PeerError:
            raise
        except Exception as exc:
            # Whatever it is: what a peer says of its address and what it answers may be anything,
            # and the libraries on the way fail on it in many ways (UnicodeError, ValueError ...).
            raise _failed(peer, exc) from exc

    def _authority(self, peer: Peer) -> str:
        host, port = self._detours.get(f"{peer.role}/{peer.id}", (peer.host, peer.port))
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _failed(peer: Peer, exc: Exception) -> PeerError:
    return PeerError(f"{peer.role} {peer.id}: {type(exc).__name__} {exc}".rstrip())


def _refused(peer: Peer, status: int) -> PeerError:
    return PeerError(f"{peer.role} {peer.id}: status {status}", reply_status=status)


def _trace_parent(request_id: str) -> str:
    """W3C Trace Context; the request's id is the trace if it can be one, else it is a new one."""
    trace = request_id if _HEX.fullmatch(request_id) else secrets.token_hex(16)
    return f"00-{trace:0>32}-{secrets.token_hex(8)}-01"


async def _read(response: aiohttp.ClientResponse, peer: Peer) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_INTERNAL_BYTES:
            response.close()
            raise PeerError(f"{peer.role} {peer.id}: the reply is over {MAX_INTERNAL_BYTES} bytes")
    if response.status != 200:
        raise _refused(peer, response.status)
    return bytes(body)
