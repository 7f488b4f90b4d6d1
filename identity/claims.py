"""What a token says (RFC 7519), and whether it counts here and now. Pure: the clock is an argument.

To be asked after the signature was found good: what an unsigned token says is nobody's word.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from identity.roles import Roles
from wire.comment import check_author
from wire.errors import InvalidField, TokenExpired, TokenInvalid

LEEWAY_S = 30.0  # how far the issuer's clock may be off ours
MAX_SUBJECT = 255  # characters, as OpenID Connect has it


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Whom we believe, and who is meant: both exactly, character by character."""

    issuer: str
    audience: str


class _Wire(msgspec.Struct, rename={"roles": "lc.roles"}):
    iss: str
    sub: str
    aud: str | list[str]
    iat: float
    exp: float
    nbf: float | None = None
    name: str | None = None
    roles: dict[str, list[str]] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claims:
    """What counts of a token. expires_at: wall clock in seconds, the leeway included."""

    issuer: str
    subject: str
    expires_at: float
    name: str | None
    roles: Roles
    issued_at: float = 0.0


_decoder = msgspec.json.Decoder(_Wire)


def read_claims(payload: bytes, rules: TokenRules, now: float) -> Claims:
    """The claims of a token whose signature is good; `now` is the wall clock in seconds.

    Raises TokenInvalid, or TokenExpired if nothing but its age is wrong.
    """
    try:
        said = _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise TokenInvalid(f"claims: {_reason(exc)}") from exc
    _check_parties(said, rules)
    _check_times(said, now)
    try:
        name = None if said.name is None else check_author(said.name)
        roles = Roles(said.roles)
        return Claims(said.iss, said.sub, said.exp + LEEWAY_S, name, roles, said.iat)
    except InvalidField as exc:
        raise TokenInvalid(f"claims: name {exc.detail.partition(': ')[2]}") from exc
    except ValueError as exc:
        raise TokenInvalid(f"claims: lc.roles: {exc}") from exc


def _check_parties(said: _Wire, rules: TokenRules) -> None:
    if said.iss != rules.issuer:
        raise TokenInvalid("claims: iss is not whom we believe")
    if rules.audience not in ([said.aud] if isinstance(said.aud, str) else said.aud):
        raise TokenInvalid("claims: aud does not name us")
    if not 1 <= len(said.sub) <= MAX_SUBJECT:
        raise TokenInvalid(f"claims: sub must have 1 to {MAX_SUBJECT} characters")


def _check_times(said: _Wire, now: float) -> None:
    if said.iat > now + LEEWAY_S:
        raise TokenInvalid("claims: iat lies in the future")
    if said.nbf is not None and said.nbf > now + LEEWAY_S:
        raise TokenInvalid("claims: nbf lies in the future")
    if said.exp + LEEWAY_S <= now:
        raise TokenExpired()


def _reason(exc: Exception) -> str:
    """Which claim is wrong, never what it holds: details are shown and logged."""
    if isinstance(exc, msgspec.ValidationError):
        return str(exc)
    return "not a JSON text"
