"""A development issuer of tokens: a key of its own where nobody brought any.

Invariants: `signing-key.json` never leaves the folder, which only its owner can read; `jwks.json`,
its public half, is what processes are given. `author-ids.key` is made once: with another one every
author would have another id. `tickets.key`, with which writers sign tickets and nodes check them,
is made once too. Production brings its own issuer, and keeps its own keys.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from cluster.files import replace_file
from identity.author_id import MIN_KEY_BYTES
from identity.tickets import MIN_KEY_BYTES as TICKET_KEY_BYTES

ISSUER, AUDIENCE = "livecomments-development", "livecomments"
ALGORITHM = "ES256"
SIGNING_KEY, JWKS, AUTHOR_ID_KEY = "signing-key.json", "jwks.json", "author-ids.key"
TICKET_KEY = "tickets.key"
# What a person sets who has another issuer; the one of development then counts no more.
_OF_ISSUER = "AUTH_JWKS"


@dataclass(frozen=True, slots=True)
class DevelopmentIssuer:
    """One key pair, as JSON Web Keys."""

    private: Mapping[str, Any]

    @classmethod
    def new(cls) -> DevelopmentIssuer:
        """A fresh key that nobody knows yet; writes nothing."""
        key = ec.generate_private_key(ec.SECP256R1())
        found = dict(ECAlgorithm.to_jwk(key, as_dict=True))
        found.pop("key_ops", None)
        return cls(found | {"kid": secrets.token_hex(4), "alg": ALGORITHM, "use": "sig"})

    @classmethod
    def load(cls, folder: Path) -> DevelopmentIssuer:
        """The issuer kept in `folder`. Raises OSError, or ValueError if it cannot be read."""
        found = json.loads((folder / SIGNING_KEY).read_bytes())
        if not isinstance(found, dict) or "kid" not in found:
            raise ValueError(f"{folder / SIGNING_KEY} is no key")
        return cls(found)

    @classmethod
    def load_or_create(cls, folder: Path) -> DevelopmentIssuer:
        """The issuer kept in `folder`; a new one if there is none. What processes are given is
        there afterwards in any case.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            issuer = cls.load(folder)
        except (OSError, ValueError):
            issuer = cls.new()
            replace_file(folder / SIGNING_KEY, json.dumps(issuer.private).encode(), 0o600)
        if not (folder / JWKS).exists() or (folder / JWKS).read_bytes() != issuer.jwks:
            replace_file(folder / JWKS, issuer.jwks)
        ensure_author_id_key(folder / AUTHOR_ID_KEY)
        ensure_ticket_key(folder / TICKET_KEY)
        return issuer

    @property
    def jwks(self) -> bytes:
        """The public half, as a set."""
        public = {name: value for name, value in self.private.items() if name != "d"}
        return json.dumps({"keys": [public]}).encode()

    def token(self, who: Mapping[str, str], roles: Mapping[str, Sequence[str]], life_s: int) -> str:
        """A token for `life_s` seconds; `who` are the claims sub and name."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + life_s, **who}
        claims |= {"lc.roles": roles} if roles else {}
        key = jwt.PyJWK(dict(self.private), ALGORITHM)
        return jwt.encode(claims, key, ALGORITHM, headers={"kid": self.private["kid"]})


def ensure_author_id_key(path: Path) -> None:
    """Make the key of author ids unless there is one."""
    if not path.exists():
        replace_file(path, secrets.token_bytes(MIN_KEY_BYTES), 0o600)


def ensure_ticket_key(path: Path) -> None:
    """Make the key of tickets unless there is one: a line of text, below which a person may add
    another.
    """
    if not path.exists():
        replace_file(path, f"{secrets.token_urlsafe(TICKET_KEY_BYTES)}\n".encode(), 0o600)


def ticket_variables(folder: Path) -> dict[str, str]:
    """What a process that issues or checks tickets is told of the key in `folder`."""
    return {"TICKET_KEY_FILE": str(folder / TICKET_KEY)}


def identity_variables(folder: Path, own: Mapping[str, str]) -> dict[str, str]:
    """What a process with a store is told of the issuer in `folder`, as it sees it. `own`: what a
    person has set, who may have an issuer already.
    """
    variables = {"AUTHOR_ID_KEY_FILE": str(folder / AUTHOR_ID_KEY)}
    if not own.get(_OF_ISSUER):
        variables |= {
            _OF_ISSUER: str(folder / JWKS),
            "AUTH_ISSUER": ISSUER,
            "AUTH_AUDIENCE": AUDIENCE,
        }
    return variables
