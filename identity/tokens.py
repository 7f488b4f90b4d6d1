"""Bearer tokens: signed JSON Web Tokens in compact form (RFC 7515, RFC 7519), checked as RFC 8725
says.

Invariants:
- a token is believed only if a key of ours has signed it, with that key's own algorithm, and its
  claims count at this moment;
- what was found good is remembered by digest, until the token ends or the keys change, whichever
  comes first: a key that was withdrawn counts nowhere from then on;
- no token is kept, logged, or repeated in an error.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import jwt
import msgspec

from identity.author_id import AuthorIds
from identity.caller import Caller
from identity.claims import Claims, TokenRules, read_claims
from identity.key_ring import KeyRing
from identity.keys import Key
from service.tasks import TaskHome
from wire.errors import TokenInvalid

MAX_TOKEN_BYTES = 4096
MAX_REMEMBERED_BYTES = 8 * 1024 * 1024  # of tokens: some 20,000 of them, which bounds what is kept
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
# Headers that name a key elsewhere, or say that more must be understood than we do.
_REFUSED_HEADERS = ("jku", "jwk", "x5u", "crit")
# RFC 8725, section 3.11: a token that was made for something else says so.
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_jws = jwt.PyJWS()


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    expires_at: float
    size: int


class TokenVerifier:
    """See identity.authenticator.Verifier. Cheap for a token that is known."""

    def __init__(
        self,
        keys: KeyRing,
        rules: TokenRules,
        author_ids: AuthorIds,
        *,
        now: Callable[[], float] = time.time,
        max_remembered_bytes: int = MAX_REMEMBERED_BYTES,
    ) -> None:
        self._keys, self._rules, self._author_ids = keys, rules, author_ids
        self._now, self._max_bytes = now, max_remembered_bytes
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._known_bytes, self._known_under = 0, b""
        self.checked = 0  # signatures

    @property
    def problem(self) -> str | None:
        """What is wrong with the keys, None if nothing."""
        return self._keys.problem

    async def start(self, tasks: TaskHome) -> None:
        """Fetch the keys, and go on in the background. Does not fail because they are away."""
        await self._keys.start(tasks)

    async def stop(self) -> None:
        """Release everything. Idempotent."""
        await self._keys.stop()

    @property
    def remembered(self) -> int:
        """Tokens that were found good and need not be checked again."""
        return len(self._known)

    async def verify(self, token: str) -> Caller:
        """Whose token it is. Raises TokenInvalid, TokenExpired, KeysUnavailable."""
        if len(token) > MAX_TOKEN_BYTES:
            raise TokenInvalid(f"over {MAX_TOKEN_BYTES} bytes")
        digest = blake2b(token.encode(errors="surrogateescape"), digest_size=32).digest()
        caller = self._find(digest)
        if caller is None:
            header = _read_header(token)
            key = await self._keys.find(header.kid)
            claims = self._check(token, header, key)
            author_id = self._author_ids.find(claims.issuer, claims.subject)
            caller = Caller(author_id, claims.name, claims.roles, claims.issued_at)
            self._remember(digest, _Known(caller, claims.expires_at, len(token)))
        return caller

    def _find(self, digest: bytes) -> Caller | None:
        if self._known_under != self._keys.digest:
            self._known.clear()
            self._known_bytes, self._known_under = 0, self._keys.digest
        known = self._known.get(digest)
        if known is None or not self._keys.usable:
            return None
        if known.expires_at <= self._now():
            self._forget(digest)
            return None
        self._known.move_to_end(digest)
        return known.caller

    def _check(self, token: str, header: _Header, key: Key) -> Claims:
        if header.alg != key.algorithm:
            raise TokenInvalid("alg is not the key's algorithm")
        self.checked += 1
        try:
            payload: bytes = _jws.decode_complete(token, key.material)["payload"]
        # Nothing of the token is known to be true yet; whatever it does to the library, it is bad.
        except Exception as exc:
            raise TokenInvalid("the signature is not good") from exc
        return read_claims(payload, self._rules, self._now())

    def _remember(self, digest: bytes, known: _Known) -> None:
        if digest in self._known:  # two requests with one token at a time
            return
        self._known[digest] = known
        self._known_bytes += known.size
        while self._known_bytes > self._max_bytes:
            self._forget(next(iter(self._known)))

    def _forget(self, digest: bytes) -> None:
        self._known_bytes -= self._known.pop(digest).size


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None
    typ: str = "JWT"
    jku: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    jwk: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    x5u: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_header_decoder = msgspec.json.Decoder(_Header)


def _read_header(token: str) -> _Header:
    if _COMPACT.fullmatch(token) is None:
        raise TokenInvalid("not a signed token in compact form")
    first = token.partition(".")[0]
    try:
        header = _header_decoder.decode(jwt.utils.base64url_decode(first))
    except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
        raise TokenInvalid("the header cannot be read") from exc
    for name in _REFUSED_HEADERS:
        if getattr(header, name) is not msgspec.UNSET:
            raise TokenInvalid(f"the header has {name}")
    if header.typ.lower() not in _TYPES:
        raise TokenInvalid("typ is not that of a token for us")
    return header
