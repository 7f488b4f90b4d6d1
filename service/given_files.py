"""Files that an operator names in a variable: tried before a process starts.

Not done where variables are read: `livecomments up` reads them too, on a machine where the files of
a container are not.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from service.config import ConfigError


def require_file(variable: str, path: Path | None) -> None:
    """Raises ConfigError unless the file, if any is given, can be read."""
    if path is None:
        return
    try:
        path.open("rb").close()
    except OSError as exc:
        raise ConfigError(f"{variable}={path}: {exc.strerror}") from exc


def require_ca_file(variable: str, path: Path | None) -> None:
    """Raises ConfigError unless the file, if any is given, holds certificates to trust."""
    require_file(variable, path)
    if path is None:
        return
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError as exc:
        raise ConfigError(f"{variable}={path} holds no certificate ({exc.reason})") from exc
