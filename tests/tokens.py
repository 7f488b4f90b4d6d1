"""Issuers of tokens for tests: keys of each kind, and tokens that say what a test wants."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://issuer.example", "livecomments"
SITE_KEY = b"0123456789abcdef0123456789abcdef"
LIFE_S = 24 * 3600  # many are made when a file is collected, and used long after that
GOOD: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann-1", "name": "Ann"}
MODERATOR = {"lc.roles": {"launch-*": ["moderator"]}}


class Signer:
    """One key pair. `public` is its JWK."""

    def __init__(self, kid: str | None = "k1", algorithm: str = "ES256", bits: int = 2048) -> None:
        self.kid, self.algorithm = kid, algorithm
        self.key: Any
        if algorithm == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
            jwk = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        elif algorithm == "EdDSA":
            self.key = Ed25519PrivateKey.generate()
            jwk = OKPAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        else:
            self.key = rsa.generate_private_key(65_537, bits)
            jwk = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        self.public: dict[str, Any] = dict(jwk) if kid is None else {**jwk, "kid": kid}

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good token, but for what is said here; a claim that is None is left out."""
        return sign(self.key, self.algorithm, self.header() | (header or {}), **claims)

    def header(self) -> dict[str, Any]:
        """The header of its tokens, without alg and typ."""
        return {} if self.kid is None else {"kid": self.kid}


def sign(key: Any, algorithm: str, header: dict[str, Any], **claims: Any) -> str:
    """A token signed with this key and algorithm."""
    now = int(time.time())
    said = {"iat": now, "exp": now + LIFE_S, **GOOD, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, algorithm, headers=header)


def jwks(*keys: object) -> bytes:
    """A key set."""
    members = [key.public if isinstance(key, Signer) else key for key in keys]
    return json.dumps({"keys": members}).encode()


def raw_token(header: object, payload: object, signature: bytes = b"x") -> str:
    """A token of any parts, signed by nobody."""
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64url(part) for part in parts)


def hmac_token(secret: bytes, kid: str, **claims: Any) -> str:
    """As an attacker makes it: HS256 with anything for a secret, which the library refuses."""
    unsigned = raw_token({"alg": "HS256", "kid": kid}, {**GOOD, "iat": 1, "exp": 2**40, **claims})
    signed = unsigned.rpartition(".")[0]
    return f"{signed}.{base64url(hmac.digest(secret, signed.encode(), sha256))}"


def base64url(data: bytes) -> str:
    """As in tokens: without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def roles(**patterns: str) -> dict[str, Any]:
    """Claims that grant a role for each video."""
    return {"lc.roles": {pattern: [role] for pattern, role in patterns.items()}}
