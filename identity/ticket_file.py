"""The keys of tickets, in a file that may be replaced while the process runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from identity.tickets import TicketKeys

LOOK_EVERY_S = 10.0
_MAX_BYTES = 4096

log = structlog.get_logger()


def load_ticket_keys(path: Path) -> TicketKeys:
    """Raises OSError, or ValueError if these are no keys."""
    with path.open("rb") as file:
        return TicketKeys.parse(file.read(_MAX_BYTES))


class TicketFile:
    """Looks whether the file has changed when a key is asked for, at most every LOOK_EVERY_S: there
    is no timer, and a process that nobody asks does nothing. What cannot be read changes nothing:
    the keys that were read last go on to count.
    """

    def __init__(
        self, path: Path, keys: TicketKeys, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`keys`: what was in the file just now."""
        self._path, self._keys, self._now = path, keys, now
        self._looked_at = now()
        self._seen = self._look()

    @property
    def keys(self) -> TicketKeys:
        """Those that count now."""
        if self._now() - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = self._now()
            self._renew()
        return self._keys

    def _renew(self) -> None:
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._keys = load_ticket_keys(self._path)
        except (OSError, ValueError) as exc:
            log.warning("ticket_keys_not_read", path=str(self._path), error=str(exc))
        else:
            log.info("ticket_keys_read", path=str(self._path))

    def _look(self) -> tuple[int, int, int] | None:
        """What tells two files of this name apart; None if there is none."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
