"""The folder of one cluster. Everything that is kept of a cluster is in it.

cluster.json     the saved state: settings and ports, replaced whole
ca/ tls/<part>/  the development CA and what it issued
issuer/          the development issuer of tokens (see cluster.issuer)
data/            the SQLite file; data of ZooKeeper, Cassandra and dynalite
logs/<part>.log  what the parts print
run/             who runs (see cluster.local.runtime)
ops-peers        where the parts' ops listeners are, for the map
gateway/         haproxy.cfg, the replies HAProxy makes itself, its runtime socket
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cluster.errors import ClusterError, NoCluster, StateLost
from cluster.files import replace_file
from cluster.servers import cassandra_jars, dynalite_packages, helm
from cluster.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[1]
HOME_VARIABLE = "LIVECOMMENTS_HOME"


@dataclass(frozen=True, slots=True)
class SavedState:
    """What cluster.json holds. `place` is the path that the folder had when its parts were last
    started; if it has another one now, it was moved or copied.
    """

    settings: Settings
    ports: dict[str, int] = field(default_factory=dict)
    place: str = ""


def require_own_environment(script: str, checkout: Path = CHECKOUT) -> None:
    """Raises ClusterError if `script` (the command as it was called) lies in the environment of
    another checkout than the code that runs. The command of a copied environment still runs the
    original's code, and would act on the original's clusters.
    """
    for path in (Path(os.path.abspath(script)), Path(script).resolve()):
        environment = path.parents[1] if len(path.parents) > 1 else path
        place = environment.parent.resolve()
        if environment.name == ".venv" and place != checkout:
            raise ClusterError(
                f"{environment} was created for the checkout in {checkout};"
                f" `make setup` in {place} creates one there"
            )


def home_folder(environ: Mapping[str, str]) -> Path:
    """Where the clusters of this checkout live."""
    return Path(environ.get(HOME_VARIABLE) or CHECKOUT / ".livecomments").resolve()


@dataclass(frozen=True, slots=True)
class FetchedFolders:
    """Where the programs are, or go, that no package of the system brings; for all clusters of a
    home. No cluster can have a name that begins with a dot.
    """

    jars: Path  # Cassandra's
    dynalite: Path

    @classmethod
    def of(cls, home: Path) -> FetchedFolders:
        """Those of this home."""
        return cls(jars_folder(home), dynalite_folder(home))


def jars_folder(home: Path) -> Path:
    """Cassandra's jars, for all clusters of a home. No cluster can have a name that begins so."""
    return home / ".jars" / cassandra_jars.FOLDER


def dynalite_folder(home: Path) -> Path:
    """The emulator of DynamoDB, for all clusters of a home."""
    return home / ".tools" / dynalite_packages.FOLDER


def helm_folder(home: Path) -> Path:
    """The Helm of tests, for all clusters of a home."""
    return home / ".tools" / helm.FOLDER


class ClusterFolder:
    """Paths and saved state of one cluster. Building one touches nothing."""

    def __init__(self, home: Path, name: str) -> None:
        self.name = name
        self.path = home / name
        self.ca = self.path / "ca"
        self.data = self.path / "data"
        self.logs = self.path / "logs"
        self.run = self.path / "run"
        self.gateway = self.path / "gateway"
        self.issuer = self.path / "issuer"
        self.ops_peers = self.path / "ops-peers"
        self.state_file = self.path / "cluster.json"

    def tls(self, part: str) -> Path:
        """Where a process finds its certificate."""
        return self.path / "tls" / part

    @property
    def sqlite(self) -> Path:
        """The comment store that all writers share."""
        return self.data / "comments.sqlite3"

    def server(self, part: str) -> Path:
        """Configuration and data of one server that is not ours."""
        return self.data / part

    def exists(self) -> bool:
        """Whether a cluster was made here."""
        return self.state_file.exists()

    def has_remains(self) -> bool:
        """Whether there is anything here, even without a saved state."""
        return self.path.exists()

    def load(self) -> SavedState:
        """Raises NoCluster, or StateLost if it cannot be read."""
        try:
            return msgspec.json.decode(self.state_file.read_bytes(), type=SavedState)
        except FileNotFoundError:
            raise NoCluster(self.name) from None
        except msgspec.DecodeError as exc:
            raise StateLost(self.state_file, exc) from exc

    def save(self, state: SavedState) -> None:
        """Replace the saved state whole."""
        self.path.mkdir(parents=True, exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(state)) + b"\n"
        replace_file(self.state_file, text)

    def guess(self) -> SavedState:
        """What can be known of a cluster whose saved state is lost: enough to find what runs, to
        stop it and to remove it.
        """
        runtime = "docker" if (self.path / "compose").exists() else "local"
        return SavedState(Settings(self.name, runtime=runtime))

    def remove(self) -> None:
        """Remove everything, data included. Idempotent."""
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Only one command changes a cluster at a time. Raises ClusterError if another does."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with (self.path.parent / f".{self.name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ClusterError(
                    f"another command is changing the cluster {self.name}; wait for it"
                ) from None
            yield
