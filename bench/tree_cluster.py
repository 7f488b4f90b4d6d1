"""The cluster of a tree (see `bench.revision`), started and removed by that tree's own commands.

Two trees are treated alike, ours too, so that nothing but their code differs.
"""

from __future__ import annotations

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


@contextmanager
def cluster_of(tree: Tree, **settings: object) -> Iterator[Cluster]:
    """A cluster that is ready, with all its processes gone afterwards. `settings` by the names of
    the variables of `make cluster-up`, in lower case.

    It is there to be looked at: what is started by it would be started with our code, whatever the
    tree. Raises BenchFailed.
    """
    with TemporaryDirectory(prefix="livecomments-bench-") as home:
        environment = variables(settings, os.environ) | {HOME_VARIABLE: home}
        try:
            _livecomments(tree, "up", environment)
            yield _opened(Path(home))
        finally:
            _livecomments(tree, "clean", environment)


def variables(settings: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command."""
    given = {name: environ[name] for name in _PASSED_ON if name in environ}
    asked = {name.upper(): str(value) for name, value in settings.items()}
    return given | {"CLUSTER": _NAME, "RUNTIME": "local"} | asked


def _opened(home: Path) -> Cluster:
    try:
        return Cluster.open(_NAME, home)
    except ClusterError as exc:
        raise BenchFailed(f"another revision keeps its cluster otherwise: {exc}") from exc


def _livecomments(tree: Tree, command: str, environment: Mapping[str, str]) -> None:
    """In a session of its own: what ends the benchmark must not end the removal."""
    try:
        subprocess.run(
            [str(tree.python), "-m", "cluster", command],
            cwd=tree.path,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
            timeout=_WITHIN_S,
            start_new_session=True,
        )
    except subprocess.CalledProcessError as exc:
        said = exc.stdout.decode(errors="replace").strip().splitlines()[-_LINES_SHOWN:]
        raise BenchFailed("\n".join([f"{tree.name}, {command}:", *said])) from exc
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise BenchFailed(f"{tree.name}, {command}: {exc}") from exc
