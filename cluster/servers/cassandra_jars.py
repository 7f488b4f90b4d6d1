"""Cassandra's jars, as its own release names them, brought by Maven.

Invariants: what is in the folder is exactly what `cassandra.sha256` lists, byte by byte, or
nothing. They are fetched into another folder, compared, and moved there in one step; and compared
again before each use, which takes 0.2 s. All clusters of a home share them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cluster.errors import NotInstalled

VERSION = "5.0.6"
FOLDER = f"cassandra-{VERSION}"
_SUMS = Path(__file__).with_name("cassandra.sha256")
# The plugin's version is fixed too: which one Maven takes by itself depends on Maven's version.
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>livecomments</groupId>
  <artifactId>cassandra</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.cassandra</groupId>
      <artifactId>cassandra-all</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""
_FETCHED_WITHIN_S = 900.0
_TAIL_LINES = 25


@cache
def read_sums() -> Mapping[str, str]:
    """Name of each jar -> its SHA-256; as `sha256sum` writes it."""
    lines = _SUMS.read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def find_maven() -> str | None:
    """The mvn command, or None."""
    return shutil.which("mvn")


def are_there(folder: Path) -> bool:
    """Whether all jars are in `folder`, none of them changed."""
    return folder.is_dir() and not _faults(folder)


def fetch(folder: Path) -> None:
    """Put the jars into `folder`, in place of whatever is there, unless they are right.

    Waits for another process that does the same. Raises NotInstalled, with the end of what Maven
    printed, or the names of the jars that are not what they should be; `folder` is then as it was.
    """
    with _alone(folder) as scratch:
        if are_there(folder):
            return
        fetched = scratch / "jars"
        _run_maven(scratch, fetched)
        for jar in fetched.iterdir():
            if jar.name not in read_sums():  # those for other operating systems
                jar.unlink()
        if faults := _faults(fetched):
            raise NotInstalled(
                f"Cassandra {VERSION} was fetched, but is not what {_SUMS.name} lists: "
                + ", ".join(faults)
            )
        if folder.exists():
            folder.rename(scratch / "old")
        fetched.rename(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, for one process at a time; what a crash left there goes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f"{folder.name}.part")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _run_maven(folder: Path, target: Path) -> None:
    (folder / "pom.xml").write_text(_POM)
    command = [
        find_maven() or "mvn",
        "-B",
        "-q",
        _COPY,
        "-DincludeScope=runtime",
        f"-DoutputDirectory={target}",
    ]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_FETCHED_WITHIN_S,
            text=True,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NotInstalled(f"Maven could not fetch Cassandra {VERSION}: {exc}") from exc
    if done.returncode or not target.is_dir():
        tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        raise NotInstalled(f"{tail}\nMaven could not fetch Cassandra {VERSION}")


def _faults(folder: Path) -> list[str]:
    """What is missing, changed or too much, in words."""
    sums = read_sums()
    there = {path.name: path for path in folder.iterdir()}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = dict(zip(there, pool.map(_digest, there.values()), strict=True))
    faults = [f"{name} is missing" for name in sums if name not in there]
    faults += [f"{name} is not listed" for name in there if name not in sums]
    faults += [
        f"{name} has another checksum"
        for name, digest in digests.items()
        if sums.get(name, digest) != digest
    ]
    return sorted(faults)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
