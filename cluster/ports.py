"""Free ports on loopback.

They are taken from below the range that the kernel uses for outgoing connections: a cluster keeps
its ports, and one that an outgoing connection holds by chance could not be bound again.

Two callers must not be given the same port before either listens on it, whether they are in one
process or in two. So a process gives ports from blocks that are its own while it lives: it holds
the first port of each, which is given to nobody.
"""

from __future__ import annotations

import errno
import random
import socket
from collections import deque
from collections.abc import Collection

FIRST_PORT = 20_000
LAST_PORT = 32_000
_BLOCK = 100
# A process that needs more gives up its oldest block; what was given from it is long in use.
_MAX_BLOCKS = 20
_MAX_TRIES = 10_000
_held: deque[int] = deque()
_unused: list[int] = []


def free_ports(count: int, avoid: Collection[int] = ()) -> list[int]:
    """`count` different ports that nobody listens on now; none of `avoid`, and none that this
    process or another one that runs was given lately.

    Raises OSError if so many cannot be found.
    """
    found: list[int] = []
    for _ in range(_MAX_TRIES):
        if len(found) == count:
            return found
        if not _unused:
            _unused.extend(_take_block())
        port = _unused.pop()
        with socket.socket() as probe:
            if port not in avoid and _bind(probe, "127.0.0.1", port):
                found.append(port)
    raise OSError(errno.EADDRINUSE, f"no {count} free ports from {FIRST_PORT} to {LAST_PORT}")


def _take_block() -> list[int]:
    """The ports of a block that no other process has, now ours."""
    if len(_held) == _MAX_BLOCKS:
        socket.close(_held.popleft())
    blocks = range(FIRST_PORT, LAST_PORT, _BLOCK)
    for first in random.sample(blocks, len(blocks)):
        claim = socket.socket()
        if _bind(claim, "127.0.0.1", first):
            _held.append(claim.detach())
            return random.sample(range(first + 1, first + _BLOCK), _BLOCK - 1)
        claim.close()
    raise OSError(errno.EADDRINUSE, f"no free ports from {FIRST_PORT} to {LAST_PORT}")


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
