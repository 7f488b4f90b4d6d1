"""One thing that is served as it is: its bytes, compressed too, and the tag by which a browser asks
whether it has changed.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass

_DIGITS = 12  # of a digest: 48 bits tell versions of a file apart
_LEVEL = 9


@dataclass(frozen=True, slots=True)
class Resource:
    """`gzipped` is None where it would not be shorter. The tag is weak, as it stands for both."""

    body: bytes
    media_type: str
    etag: str
    gzipped: bytes | None

    @classmethod
    def of(cls, body: bytes, media_type: str) -> Resource:
        """Compressed once, here."""
        gzipped = gzip.compress(body, _LEVEL, mtime=0)
        return cls(body, media_type, digest(body), gzipped if len(gzipped) < len(body) else None)


def digest(body: bytes) -> str:
    """A name for these bytes, in hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()[:_DIGITS]
