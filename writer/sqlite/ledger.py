"""The ledger of erasures: author ids in a file beside the store's, one a line. A backup of the
store that is put back does not know of erasures that came after it; the ledger does, if it was left
where it is.
"""

from __future__ import annotations

import os
from pathlib import Path

from wire.errors import StoreUnavailable
from wire.ids import is_author_id


class Ledger:
    """Of the store at `path`. Blocks; several processes may add to it."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.erasures")

    def add(self, author_id: str) -> None:
        """On the disk when it returns. Raises StoreUnavailable."""
        try:
            if author_id in self.read():
                return
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, f"\n{author_id}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as exc:
            raise StoreUnavailable("the ledger of erasures cannot be written") from exc

    def read(self) -> set[str]:
        """All author ids in it. A line that a power cut has torn is none."""
        try:
            lines = self._path.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return set()
        except OSError as exc:
            raise StoreUnavailable("the ledger of erasures cannot be read") from exc
        return {line for line in lines if is_author_id(line)}
