"""The ledger of erasures, in a file beside the store: author id and time of the request (wall clock
in milliseconds) on each line. A backup of the store that is put back does not know of
erasures that came after it; the ledger does, if it was left where it is.

An author who is erased again has another line, and the latest one counts: a backup may lie between
the two. A line without a time is of an earlier release.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from wire.errors import StoreUnavailable
from wire.ids import is_author_id

Stamp = tuple[int, int]  # of a file: its size, and when it was changed


class Known(NamedTuple):
    """What the file says: by author id, when the last erasure was asked for."""

    at_ms: Mapping[str, int]
    stamp: Stamp


NOTHING = Known({}, (0, 0))


class Ledger:
    """The file at `path`; None: there is none, and nothing is kept. Blocks; several processes may
    add to it.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known = NOTHING  # any thread may replace it by what it has read

    def add(self, author_id: str, at_ms: int) -> None:
        """On the disk when it returns. Raises StoreUnavailable."""
        if self._path is None or self.read().at_ms.get(author_id, -1) >= at_ms:
            return
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, f"\n{author_id} {at_ms}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as exc:
            raise StoreUnavailable("the ledger of erasures cannot be written") from exc

    def read(self) -> Known:
        """All that is in it. A line that a power cut has torn is none, or of an earlier time:
        nobody was told of it. Costs a look at the file while nobody adds to it.

        Raises StoreUnavailable.
        """
        if self._path is None:
            return NOTHING
        try:
            with self._path.open(errors="replace") as file:
                status = os.fstat(file.fileno())
                stamp = (status.st_size, status.st_mtime_ns)
                if stamp != self._known.stamp:
                    self._known = Known(_parse(file.read()), stamp)
        except FileNotFoundError:
            self._known = NOTHING
        except OSError as exc:
            raise StoreUnavailable("the ledger of erasures cannot be read") from exc
        return self._known


def _parse(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in text.splitlines():
        author_id, _, at = line.partition(" ")
        if is_author_id(author_id) and (not at or (at.isascii() and at.isdigit())):
            found[author_id] = max(found.get(author_id, 0), int(at or 0))
    return found
