"""The files that parts print into: bounded, and read from their end."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path

MAX_LOG_BYTES = 20 * 1024 * 1024  # looked at when a part starts; one older file is kept
_LAUNCHED = '{"event": "launched"'
_MAX_TAIL_BYTES = 256 * 1024
_POLL_EVERY_S = 0.2


def open_for_append(path: Path) -> FileIO:
    """The log to print into; a big one is put aside first as `<name>.1`.

    A line says where this life of the part begins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(path.suffix + ".1"))
    file = path.open("ab", buffering=0)
    file.write(launched_line())
    return file


def launched_line() -> bytes:
    """Where a life of a part begins in its log."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f'{_LAUNCHED}, "timestamp": "{now}"}}\n'.encode()


def tail_of_this_life(path: Path, lines: int) -> str:
    """As `tail`, without what was printed before the part was last started."""
    text = tail(path, lines)
    return text[max(0, text.rfind(_LAUNCHED)) :]


def tail(path: Path, lines: int) -> str:
    """The last `lines` lines; "" if there is no log."""
    found, _ = _read_end(path)
    return "\n".join(found[-lines:]) if lines else ""


def follow(paths: Mapping[str, Path], lines: int) -> Iterator[tuple[str, str]]:
    """Name and line of the last `lines` of each log, then of everything that is printed after.

    Blocks for ever. A log that appears, or is put aside, is followed from its start.
    """
    places: dict[str, _Place] = {}
    for name, path in paths.items():
        # The place is taken together with the tail, so that no line falls between the two.
        found, places[name] = _read_end(path, whole=True)
        yield from ((name, line) for line in (found[-lines:] if lines else ()))
    while True:
        for name, path in paths.items():
            found, places[name] = _read_from(path, places[name])
            yield from ((name, line) for line in found)
        time.sleep(_POLL_EVERY_S)


_Place = tuple[int, int]  # inode, offset


def _read_end(path: Path, *, whole: bool = False) -> tuple[list[str], _Place]:
    """Lines at the end (`whole` ones only), and the place after them."""
    try:
        with path.open("rb") as file:
            inode, size = os.fstat(file.fileno()).st_ino, file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _MAX_TAIL_BYTES))
            block = file.read(_MAX_TAIL_BYTES)
            start = file.tell() - len(block)
    except FileNotFoundError:
        return [], (0, 0)
    if whole:
        block = block[: block.rfind(b"\n") + 1]
    return block.decode(errors="replace").splitlines(), (inode, start + len(block))


def _read_from(path: Path, place: _Place) -> tuple[list[str], _Place]:
    """Whole lines after `place`, and the place after them."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return [], (0, 0)
    with file:
        stat = os.fstat(file.fileno())
        offset = place[1] if stat.st_ino == place[0] and stat.st_size >= place[1] else 0
        file.seek(offset)
        block = file.read(_MAX_TAIL_BYTES)
    # A line longer than a block is passed on in pieces, or nothing would ever follow it.
    if len(block) < _MAX_TAIL_BYTES:
        block = block[: block.rfind(b"\n") + 1]
    return block.decode(errors="replace").splitlines(), (stat.st_ino, offset + len(block))
