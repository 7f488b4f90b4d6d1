"""The output of containers, followed from one life to the next."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from cluster.docker.containers import Containers, engine_errors
from cluster.errors import ClusterError

_POLL_EVERY_S = 0.5
_MAX_WAITING = 1_000  # lines; then those who bring them wait


def tail(containers: Containers, name: str, lines: int, *, this_life: bool) -> str:
    """The last lines, with `this_life` none from before the last start; "" without a container.
    Raises ClusterError.
    """
    seen = containers.inspect(name)
    if not seen or not lines:
        return ""
    since = {"since": started_at(seen)} if this_life else {}
    with engine_errors():
        raw: bytes = containers.client.api.logs(seen["Id"], tail=lines, **since)
    return raw.decode(errors="replace").rstrip("\n")


def follow(containers: Containers, names: Sequence[str], lines: int) -> Iterator[tuple[str, str]]:
    """Name and line, for ever. Each container has a thread: the SDK's streams block."""
    found: queue.Queue[tuple[str, str]] = queue.Queue(_MAX_WAITING)
    for name in names:
        arguments = (containers, name, lines, found)
        threading.Thread(target=_bring, args=arguments, daemon=True).start()
    while True:
        yield found.get()


def _bring(
    containers: Containers, name: str, lines: int, found: queue.Queue[tuple[str, str]]
) -> None:
    """The first life from its last `lines` on, each later one whole."""
    life, options = "", dict[str, Any](tail=lines)
    while True:
        try:
            seen = containers.inspect(name)
            if seen and seen["State"]["StartedAt"] != life:
                if life:
                    options = {"since": started_at(seen)}
                life = seen["State"]["StartedAt"]
                with engine_errors():
                    stream = containers.client.api.logs(
                        seen["Id"], stream=True, follow=True, **options
                    )
                    for line in whole_lines(stream):
                        found.put((name, line))
        except ClusterError:  # the engine may come back
            containers.forget()
        time.sleep(_POLL_EVERY_S)


def whole_lines(stream: Iterator[bytes]) -> Iterator[str]:
    """Lines from pieces of any size; an end without a newline is left out."""
    rest = b""
    for chunk in stream:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)


def started_at(seen: dict[str, Any]) -> float:
    """In seconds; the engine tells nanoseconds, which datetime does not read."""
    text: str = seen["State"]["StartedAt"]
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()
