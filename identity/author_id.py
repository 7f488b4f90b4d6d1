"""Author ids: who wrote a comment, without telling who that is elsewhere."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from hashlib import sha256

PREFIX = "u_"
MIN_KEY_BYTES = 32
_DIGEST_BYTES = 16  # 128 bits: nobody finds two people with one id


class AuthorIds:
    """Author ids of one site. The same person has the same id as long as the site's key stays, on
    every process; without the key nobody gets from an id to a `sub`, nor to the id on another site.
    """

    def __init__(self, site_key: bytes) -> None:
        """Raises ValueError if the key is too short to be a secret."""
        if len(site_key) < MIN_KEY_BYTES:
            raise ValueError(f"the key of author ids has at least {MIN_KEY_BYTES} bytes")
        self._key = site_key

    def find(self, issuer: str, subject: str) -> str:
        """`u_` and 22 characters of `[A-Za-z0-9_-]`."""
        # As JSON, so that no two pairs are spelt alike.
        who = json.dumps([issuer, subject], separators=(",", ":")).encode()
        digest = hmac.digest(self._key, who, sha256)[:_DIGEST_BYTES]
        return PREFIX + urlsafe_b64encode(digest).rstrip(b"=").decode()
