"""What every listener does with the head of a request, whichever library has read it.

aiohttp reads posts and history (`service.public_http`), h11 reads streams
(`rtms_node.stream_listener`). Both ask here by which id a request is known, whose it is, and what
scripts of its origin may do. Decides; knows neither library and does no I/O.

Invariants:
- a request has one id, from its first log line to its reply;
- `X-Forwarded-For` is believed only from a gateway, which is known by its address: who reaches the
  port without it could claim any other. The gateway deletes what the client sent, so the last
  address in the last header is the one that it saw itself;
- a script of an origin that is not configured can read no reply, and credentials are never allowed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from multidict import MultiMapping

from service.config import EnvReader, Network
from service.logs import clean_request_id
from wire.origins import ANY

# Of a request head as a library gives them: case does not matter, a name may come more than once.
Headers = MultiMapping[str]

REQUEST_ID = "X-Request-Id"
PUBLIC_HEADERS: Mapping[str, str] = {"X-Content-Type-Options": "nosniff"}  # of every public reply

MAX_HEAD_BYTES = 16 * 1024
HEAD_DEADLINE_S = 10.0  # from its first byte (of the first request: from the connection) to its end
BODY_DEADLINE_S = 10.0
# What is sent but not acknowledged for so long, a closed window included, ends the connection.
USER_TIMEOUT_MS = 20_000

EXPOSED_HEADERS = "Location, ETag, Idempotency-Replayed, Retry-After, X-Request-Id"
_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-Id"
_PREFLIGHT_AGE_S = 600
_MAX_OWNER = 64  # characters of what is no address at all
_LOOPBACK = "127.0.0.0/8,::1"  # what is believed where nothing is said

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(slots=True)
class EdgeStats:
    """Since the start. forwarded_ignored: requests whose `X-Forwarded-For` was not believed."""

    forwarded_ignored: int = 0


@dataclass(frozen=True, slots=True)
class PublicEdge:
    """The rules of a process, the same on all its public listeners.

    origins: whose scripts may read replies; `*` in it is everybody's. proxies: where the gateways
    are whose `X-Forwarded-For` is believed.
    """

    origins: frozenset[str] = frozenset()
    proxies: tuple[Network, ...] = tuple(map(ipaddress.ip_network, _LOOPBACK.split(",")))
    stats: EdgeStats = field(default_factory=EdgeStats, compare=False)

    @classmethod
    def read(cls, env: EnvReader, *, always_behind_gateway: bool = True) -> PublicEdge:
        """Read the settings from `env`; faults are left in `env`. What may also run without a
        gateway has to be told that there is one.
        """
        proxies = env.networks("TRUSTED_PROXIES", _LOOPBACK)
        if not (always_behind_gateway or env.switch("BEHIND_GATEWAY")):
            if env.words("TRUSTED_PROXIES"):
                env.fault("TRUSTED_PROXIES is set, and BEHIND_GATEWAY is not on")
            proxies = ()
        return cls(origins=frozenset(env.origins("CORS_ORIGINS")), proxies=proxies)

    def client_address(self, headers: Headers, peer: str) -> str:
        """Whose request it is; `peer` is the other end of the connection."""
        forwarded = headers.getall("X-Forwarded-For", ())
        if not forwarded:
            return peer
        if not self._trusts(peer):
            self.stats.forwarded_ignored += 1
            return peer
        return forwarded[-1].rpartition(",")[2].strip() or peer

    def allows(self, origin: str | None) -> bool:
        """Whether scripts of this origin may read replies."""
        return bool(origin) and (origin in self.origins or ANY in self.origins)

    def origin_headers(self, headers: Headers) -> dict[str, str]:
        """What the reply to a request says to browsers; nothing where no origin is allowed."""
        if not self.origins:
            return {}
        origin = headers.get("Origin")
        said = {"Vary": "Origin"}
        if origin is not None and self.allows(origin):
            said["Access-Control-Allow-Origin"] = origin
            said["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        return said

    def _trusts(self, peer: str) -> bool:
        address = _parse(peer)
        return address is not None and any(address in network for network in self.proxies)


def request_id(headers: Headers) -> str:
    """The caller's id for its request, a fresh one if that is none."""
    return clean_request_id(headers.get(REQUEST_ID))


def split_target(target: str) -> tuple[str, str]:
    """Path and query as the client spelt them, of an origin-form or an absolute-form target, which
    a server must accept (RFC 9112, section 3.2.2). Both are empty for any other form.
    """
    if not target.startswith("/"):
        try:
            parts = urlsplit(target)
        except ValueError:
            return "", ""
        return (parts.path, parts.query) if parts.scheme in ("http", "https") else ("", "")
    path, _, query = target.partition("?")
    return path, query


def address_owner(address: str) -> str:
    """Who stands behind `address`, for limits on each address: an IPv4 address, also where it is
    written as IPv6; of any other IPv6 address its /64, since a caller can use all of that. What is
    no address stands for itself.
    """
    found = _parse(address)
    if found is None:
        return address[:_MAX_OWNER]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _parse(address: str) -> _Address | None:
    """An IPv4 address also where it is written as IPv6, as a listener for both families does."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def preflight_headers(
    methods: Iterable[str], request_headers: str = _ALLOWED_HEADERS
) -> dict[str, str]:
    """What an allowed origin may do, beside `PublicEdge.origin_headers`."""
    return {
        "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
        "Access-Control-Allow-Headers": request_headers,
        "Access-Control-Max-Age": str(_PREFLIGHT_AGE_S),
    }


STREAM_PREFLIGHT: Mapping[str, str] = preflight_headers(("GET",), "Last-Event-ID, Cache-Control")
