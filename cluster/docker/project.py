"""The name of a cluster's compose project.

Invariants: a folder keeps its project when it is moved, because its comments are in the project's
volumes; a copy of the folder gets a project of its own, because those volumes are the original's.
The name is kept in the folder, with what distinguishes the folder from a copy of it (see
cluster.local.processes.place_of).
"""

from __future__ import annotations

import time
import zlib
from pathlib import Path

import msgspec

from cluster.files import replace_file
from cluster.folder import ClusterFolder
from cluster.local.processes import place_of


class _Kept(msgspec.Struct):
    name: str
    path: str
    place: str


def project_name(folder: ClusterFolder) -> str:
    """The name that was kept, or a new one, which is to be kept before it is used."""
    kept = _read(folder)
    if kept is not None and _is_of(kept, folder):
        return kept.name
    # Before names were kept they were made of the path alone.
    is_older = kept is None and (folder.path / "compose").exists()
    source = str(folder.path) if is_older else f"{folder.path} {time.time_ns()}"
    return f"livecomments-{folder.name}-{zlib.crc32(source.encode()):08x}"


def keep_project(folder: ClusterFolder, name: str) -> None:
    """From now on the folder has this name."""
    file = _file(folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = _Kept(name, str(folder.path), place_of(folder.path))
    replace_file(file, msgspec.json.encode(kept))


def _is_of(kept: _Kept, folder: ClusterFolder) -> bool:
    place = place_of(folder.path)
    if kept.place == place:
        return True
    # After a start of the machine the same disk may have another number.
    same_disk = kept.place.partition(":")[0] == place.partition(":")[0]
    return kept.path == str(folder.path) and not same_disk


def _read(folder: ClusterFolder) -> _Kept | None:
    try:
        return msgspec.json.decode(_file(folder).read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None


def _file(folder: ClusterFolder) -> Path:
    return folder.path / "compose" / "project.json"
