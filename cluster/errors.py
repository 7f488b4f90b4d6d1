"""What can go wrong with a cluster. Each text says what a person can do about it.

ClusterError          one line for a person; the command exits with status 1
|- StepFailed         a part died or did not get ready; carries the end of its log
|- UnknownPart        no part has that name; lists the names
|- NotAVideo          the text cannot be a video id
|- NotAnAuthor        the text cannot be the id of an author
|- NoCluster          there is no cluster of that name
|- StateLost          its cluster.json cannot be read; says how to go on
|- PortTaken          another program listens on a port that we need
|- CannotListen       the machine has no such address, or keeps the port for root
|- NotInstalled       a program is missing; says what to install
|- SettingsConflict   that setting cannot change now
`- WritersRun         the store cannot be changed below writers that run
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class ClusterError(Exception):
    """Root of the tree."""


class StepFailed(ClusterError):
    """A part died or was not ready in time. `log_tail` is the end of its log, perhaps empty."""

    def __init__(self, what: str, part: str, log_tail: str) -> None:
        super().__init__(what)
        self.part = part
        self.log_tail = log_tail


class UnknownPart(ClusterError):
    """No part of this cluster has the name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no part {name}; this cluster has {', '.join(known)}")


class NotAVideo(ClusterError):
    """No video can have this id."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} cannot be a video id: 1 to 64 letters, digits, _ or -")


class NotAnAuthor(ClusterError):
    """No author can have this id."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} cannot be an author id, which comments have as `author_id`")


class NoCluster(ClusterError):
    """Nothing is kept under the name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no cluster {name}; `make cluster-up` creates it")


class StateLost(ClusterError):
    """Its settings and ports cannot be read. What runs can still be seen and stopped."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(
            f"{path} cannot be read ({why}); `make cluster-down` stops what runs, then remove that "
            "file: the next `make cluster-up` creates it again and keeps the comments, if given "
            "all settings that differ from the defaults (STORE=, TOPOLOGY=, CASSANDRAS= and so on)"
        )


class PortTaken(ClusterError):
    """Another program listens on `port`, which belongs to `whose`."""

    def __init__(self, whose: str, port: int, hint: str) -> None:
        super().__init__(f"port {port} ({whose}) is in use by another program; {hint}")
        self.port = port


class CannotListen(ClusterError):
    """This machine does not let us listen there: no such address, or the port is root's."""


class NotInstalled(ClusterError):
    """Something that only the system's package manager can bring is missing."""


class SettingsConflict(ClusterError):
    """The setting cannot be changed while parts of the cluster run."""


class WritersRun(ClusterError):
    """The store cannot be changed below writers that run."""

    def __init__(self, names: Iterable[str]) -> None:
        running = " ".join(names)
        super().__init__(f"writers still run; first: livecomments stop {running}")
