"""Where the process of `make dev` is: noted when it starts, read by `livecomments status --dev`.

The note outlives the process, so only an answer shows that it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from cluster.addresses import join_port
from cluster.errors import ClusterError
from cluster.files import replace_file
from cluster.folder import ClusterFolder
from cluster.parts import Kind, Part
from cluster.readiness import NO_ANSWER, fetch_readiness, fetch_state
from cluster.status import Row

_NOTE = "run.json"


@dataclass(frozen=True, slots=True)
class DevRun:
    """One start of it. `public` and `ops`: host and port where this machine reaches its listeners;
    port 0 if the process chooses. `service_id` is what it calls itself.
    """

    service_id: str
    pid: int
    public: tuple[str, int]
    ops: tuple[str, int]

    def save(self, folder: ClusterFolder) -> None:
        """Take the place of what was noted before."""
        folder.path.mkdir(parents=True, exist_ok=True)
        replace_file(folder.path / _NOTE, msgspec.json.encode(self) + b"\n")


def load_dev_run(folder: ClusterFolder) -> DevRun:
    """The newest one. Raises ClusterError if there was none, or its note cannot be read."""
    try:
        return msgspec.json.decode((folder.path / _NOTE).read_bytes(), type=DevRun)
    except FileNotFoundError:
        raise ClusterError(f"nothing was started in {folder.path}; `make dev` does it") from None
    except (OSError, msgspec.DecodeError) as exc:
        raise ClusterError(f"{folder.path / _NOTE} cannot be read: {exc}") from exc


async def fetch_dev_row(run: DevRun) -> Row:
    """Ask it how it is. An answer of another process on that port does not count."""
    host, port = run.ops
    part = Part(Kind.SINGLE, 1, {"ops": port})
    state = await fetch_state(part, host) if port and _is_there(run.pid) else {}
    if (state.get("role"), state.get("id")) != (str(Kind.SINGLE), run.service_id):
        state = {}
    readiness = await fetch_readiness(part, host) if state else NO_ANSWER
    return Row(
        name=run.service_id,
        role=str(Kind.SINGLE),
        pid=run.pid if state else None,
        address=join_port(*run.public),
        ready=readiness.ready,
        health=readiness.words,
        viewers=state.get("viewers"),
        videos=state.get("videos"),
        queues=state.get("queues") or {},
    )


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
