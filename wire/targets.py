"""Request targets (RFC 9112, section 3.2) as public listeners read them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_STREAM_PATH = re.compile(r"/v1/videos/([^/?]*)/stream")


def split_target(target: str) -> tuple[str, str]:
    """Path and query as the client spelt them, of an origin-form or an absolute-form target, which
    a server must accept (section 3.2.2). Both are empty for any other form.
    """
    if not target.startswith("/"):
        try:
            parts = urlsplit(target)
        except ValueError:
            return "", ""
        return (parts.path, parts.query) if parts.scheme in ("http", "https") else ("", "")
    path, _, query = target.partition("?")
    return path, query


def stream_video(path: str) -> str | None:
    """Whose stream a path names, whatever the video id looks like; None if it is no stream's."""
    match = _STREAM_PATH.fullmatch(path)
    return match[1] if match else None
