"""Free ports on loopback.

They are taken from below the range that the kernel uses for outgoing connections: a cluster keeps
its ports, and one that an outgoing connection holds by chance could not be bound again.
"""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Collection
from contextlib import ExitStack

FIRST_PORT = 20_000
LAST_PORT = 32_000
_MAX_TRIES = 10_000
# Two callers in one process must not be given the same port before either listens on it.
_given: set[int] = set()


def free_ports(count: int, avoid: Collection[int] = ()) -> list[int]:
    """`count` different ports that nobody listens on now; none of `avoid`, and none that this
    process was given lately.

    All are held while choosing. Raises OSError if so many cannot be found.
    """
    if len(_given) > (LAST_PORT - FIRST_PORT) // 2:
        _given.clear()
    avoid = {*avoid, *_given}
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(_MAX_TRIES):
            if len(found) == count:
                _given.update(found)
                return found
            port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT)
            probe = held.enter_context(socket.socket())
            if port in avoid or port in found or not _bind(probe, "127.0.0.1", port):
                continue
            found.append(port)
    raise OSError(errno.EADDRINUSE, f"no {count} free ports from {FIRST_PORT} to {LAST_PORT}")


def is_free(host: str, port: int) -> bool:
    """Whether a process of ours could listen there now. Connections that linger do not count.

    Raises OSError if it could not for another reason than that somebody else does.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _bind(probe, host, port)


def _bind(probe: socket.socket, host: str, port: int) -> bool:
    try:
        probe.bind((host, port))
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            return False
        raise
    return True
