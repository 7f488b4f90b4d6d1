"""The cluster of a tree (see `bench.revision`), started and removed by that tree's own commands.

Two trees are treated alike, ours too, so that nothing but their code differs.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.child import BenchFailed
from bench.revision import Tree
from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.folder import HOME_VARIABLE

_NAME = "bench"
_WITHIN_S = 180.0
_LINES_SHOWN = 25
# What a command may need of the person's environment; a NODES=5 of it must not get in.
_PASSED_ON = ("PATH", "HOME", "TZ", "TMPDIR", "JAVA_HOME", "LANG")


class TreeHome:
    """A folder for one cluster, and the tree whose commands act on it. `settings` by the names of
    the variables of `make cluster-up`, in lower case. Methods block, and raise BenchFailed.
    """

    def __init__(self, tree: Tree, path: Path, **settings: object) -> None:
        self._tree, self._path = tree, path
        self._environment = variables(settings, os.environ) | {HOME_VARIABLE: str(path)}

    def up(self, **changes: object) -> Cluster:
        """Start what does not run, with some settings changed, and wait until all is ready."""
        self._environment |= {name.upper(): str(value) for name, value in changes.items()}
        self._run("up")
        try:
            found = _TreeCluster.open(_NAME, self._path)
        except ClusterError as exc:
            raise BenchFailed(f"{self._tree.name} keeps its cluster otherwise: {exc}") from exc
        assert isinstance(found, _TreeCluster), "what its own constructor makes"
        found.home = self
        return found

    def start(self, name: str) -> None:
        """Start one part, and wait until it is ready."""
        self._run("start", name)

    def clean(self) -> None:
        """End all processes and remove everything."""
        self._run("clean")

    def _run(self, *command: str) -> None:
        """In a session of its own: what ends the benchmark must not end the removal."""
        what = f"{self._tree.name}, {' '.join(command)}"
        try:
            subprocess.run(
                [str(self._tree.python), "-m", "cluster", *command],
                cwd=self._tree.path,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=_WITHIN_S,
                start_new_session=True,
            )
        except subprocess.CalledProcessError as exc:
            said = exc.stdout.decode(errors="replace").strip().splitlines()[-_LINES_SHOWN:]
            raise BenchFailed("\n".join([f"{what}:", *said])) from exc
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise BenchFailed(f"{what}: {exc}") from exc


class _TreeCluster(Cluster):
    """A cluster that our code looks at, kills parts of, and has started by its tree's code."""

    home: TreeHome

    async def start(self, name: str, *, wait: bool = True) -> None:
        """Always waits."""
        await asyncio.to_thread(self.home.start, name)


@contextmanager
def cluster_of(tree: Tree, **settings: object) -> Iterator[Cluster]:
    """A cluster that is ready, with all its processes gone afterwards. Raises BenchFailed."""
    with TemporaryDirectory(prefix="livecomments-bench-") as path:
        home = TreeHome(tree, Path(path), **settings)
        try:
            yield home.up()
        finally:
            home.clean()


def variables(settings: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command."""
    given = {name: environ[name] for name in _PASSED_ON if name in environ}
    asked = {name.upper(): str(value) for name, value in settings.items()}
    return given | {"CLUSTER": _NAME, "RUNTIME": "local"} | asked
