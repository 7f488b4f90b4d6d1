"""The files that parts print into: bounded, and read from their end."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path

MAX_LOG_BYTES = 20 * 1024 * 1024  # looked at when a part starts; one older file is kept
_LAUNCHED = '{"event": "launched"'
_MAX_TAIL_BYTES = 256 * 1024
_LOOK_EVERY_S = 0.2


def open_for_append(path: Path) -> FileIO:
    """The log to print into; a big one is put aside first as `<name>.1`.

    A line says where this life of the part begins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(path.suffix + ".1"))
    file = path.open("ab", buffering=0)
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    file.write(f'{_LAUNCHED}, "timestamp": "{now}"}}\n'.encode())
    return file


def tail_of_this_life(path: Path, lines: int) -> str:
    """As `tail`, without what was printed before the part was last started."""
    text = tail(path, lines)
    return text[max(0, text.rfind(_LAUNCHED)) :]


def tail(path: Path, lines: int) -> str:
    """The last `lines` lines; "" if there is no log."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MAX_TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:]) if lines else ""


def follow(paths: Mapping[str, Path], lines: int) -> Iterator[tuple[str, str]]:
    """Name and line of everything that is printed from now on, after the last `lines` of each log.

    Blocks for ever. A log that appears, or is put aside, is followed from its start.
    """
    places: dict[str, tuple[int, int]] = {}
    for name, path in paths.items():
        for line in tail(path, lines).splitlines():
            yield name, line
        places[name] = _end(path)
    while True:
        for name, path in paths.items():
            fresh, places[name] = _fresh(path, places[name])
            for line in fresh:
                yield name, line
        time.sleep(_LOOK_EVERY_S)


def _end(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_ino, stat.st_size


def _fresh(path: Path, place: tuple[int, int]) -> tuple[list[str], tuple[int, int]]:
    """Whole lines after `place` (inode, offset), and the place after them."""
    inode, size = _end(path)
    offset = place[1] if inode == place[0] and size >= place[1] else 0
    if size == offset:
        return [], (inode, offset)
    with path.open("rb") as file:
        file.seek(offset)
        block = file.read(_MAX_TAIL_BYTES)
    # A line longer than a block is passed on in pieces, or nothing would ever follow it.
    whole = block if len(block) == _MAX_TAIL_BYTES else block[: block.rfind(b"\n") + 1]
    return whole.decode(errors="replace").splitlines(), (inode, offset + len(whole))
