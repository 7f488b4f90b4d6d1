"""How to reach DynamoDB, and what is promised there.

Credentials are not here: the SDK finds them where it always does, and they are never logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.config import EnvReader
from writer.retention import read_retention

_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)
_REGION = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DynamoConfig:
    """endpoint: its URL, "" for that of the region. region: "" for what the SDK's own settings say.
    retention_s: how long comments stay, 0: for ever.
    """

    table: str = "livecomments"
    endpoint: str = ""
    region: str = ""
    retention_s: int = 0

    @classmethod
    def read(cls, env: EnvReader) -> DynamoConfig:
        """Read the settings from `env`; faults are left in `env`."""
        table = env.text("DYNAMODB_TABLE", "livecomments")
        if _TABLE.fullmatch(table) is None:
            env.fault("DYNAMODB_TABLE must have 3 to 255 of the characters a-z A-Z 0-9 _ . -")
        region = env.text("AWS_REGION", "")
        if region and _REGION.fullmatch(region) is None:
            env.fault(f"AWS_REGION={region} is no region")
        return cls(table, _endpoint(env), region, read_retention(env))


def _endpoint(env: EnvReader) -> str:
    endpoint = env.text("DYNAMODB_ENDPOINT", "")
    if endpoint and not _is_url(endpoint):
        env.fault("DYNAMODB_ENDPOINT must be a URL as https://host:port")  # it may have a password
    return endpoint


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and parts.port != 0
            and not (parts.path.strip("/") or parts.query or parts.fragment)
        )
    except ValueError:
        return False
