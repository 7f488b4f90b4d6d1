"""Keys that tokens are checked with: JSON Web Key sets (RFC 7517, RFC 8037). Pure.

Invariants:
- the key decides the algorithm, never the token: a public key can never be taken for a secret;
- a key that is too weak, private, of another kind or for another use is none;
- a shared secret counts only where the set is a file of ours: whoever can check with it can sign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAX_KEYS = 32
MAX_SET_BYTES = 256 * 1024
MIN_SECRET_BYTES = 32
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192  # a longer one would be slow to check with
_SHARED = "HS256"
# Key type and curve, if it has one -> the algorithm (RFC 7518, RFC 8037).
_ALGORITHMS: Mapping[tuple[object, object], str] = {
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
    ("RSA", None): "RS256",
    ("oct", None): _SHARED,
}


class KeysUnreadable(ValueError):
    """This is not a key set, or too large for one."""


class _NoKey(ValueError):
    """One member of a set cannot be used; the message says why and holds nothing of the key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the only algorithm that it is for. `kid` is None if it has no name."""

    kid: str | None
    algorithm: str
    material: jwt.PyJWK


@dataclass(frozen=True, slots=True)
class KeySet:
    """ignored: why members of the set are not used. digest: tells two sets apart."""

    keys: tuple[Key, ...]
    ignored: tuple[str, ...]
    digest: bytes

    def find(self, kid: str | None) -> Key | None:
        """The key of this name. A token that names none means the only key there is."""
        if kid is None:
            return self.keys[0] if len(self.keys) == 1 else None
        return next((key for key in self.keys if key.kid == kid), None)


def read_key_set(data: bytes, *, secrets: bool) -> KeySet:
    """A JWKS. secrets: whether shared secrets count. Raises KeysUnreadable."""
    if len(data) > MAX_SET_BYTES:
        raise KeysUnreadable(f"over {MAX_SET_BYTES} bytes")
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise KeysUnreadable("not a JSON text") from exc
    members = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(members, list):
        raise KeysUnreadable('not an object with an array "keys"')
    if len(members) > MAX_KEYS:
        raise KeysUnreadable(f"over {MAX_KEYS} keys")
    keys: dict[str | None, Key] = {}
    ignored = tuple(_read_members(members, keys, secrets=secrets))
    return KeySet(tuple(keys.values()), ignored, sha256(data).digest())


def _read_members(
    members: list[Any], keys: dict[str | None, Key], *, secrets: bool
) -> Iterator[str]:
    """Fills `keys`; yields why members are ignored."""
    for place, member in enumerate(members):
        try:
            key = _read_key(member, secrets=secrets)
            if key.kid in keys:
                raise _NoKey("kid: another key has it")
            keys[key.kid] = key
        except _NoKey as exc:
            yield f"key {place}: {exc}"


def _read_key(member: object, *, secrets: bool) -> Key:
    if not isinstance(member, dict):
        raise _NoKey("not an object")
    kid = member.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise _NoKey("kid: not a string")
    algorithm = _algorithm(member)
    _check_use(member)
    if algorithm == _SHARED and not secrets:
        raise _NoKey("a shared secret counts from a file only")
    if algorithm != _SHARED and "d" in member:
        raise _NoKey("it is a private key")
    try:
        material = jwt.PyJWK(member, algorithm)
    # What is wrong may be anything, in the library or the one below it; their texts show the key.
    except Exception as exc:
        raise _NoKey("it cannot be read") from exc
    _check_strength(material.key)
    return Key(kid, algorithm, material)


def _algorithm(member: Mapping[str, object]) -> str:
    kind, curve = member.get("kty"), member.get("crv")
    try:
        algorithm = _ALGORITHMS.get((kind, curve))
    except TypeError:  # what cannot be hashed is no name
        algorithm = None
    if algorithm is None:
        raise _NoKey("kty and crv: not one of EC P-256, OKP Ed25519, RSA, oct")
    if member.get("alg", algorithm) != algorithm:
        raise _NoKey(f"alg: not {algorithm}, which is what this kind of key is used for")
    return algorithm


def _check_use(member: Mapping[str, object]) -> None:
    if member.get("use", "sig") != "sig":
        raise _NoKey("use: not sig")
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise _NoKey("key_ops: not verify")


def _check_strength(key: object) -> None:
    if isinstance(key, RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise _NoKey(f"RSA keys have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if isinstance(key, bytes) and len(key) < MIN_SECRET_BYTES:
        raise _NoKey(f"a shared secret has at least {MIN_SECRET_BYTES} bytes")
