"""Installs what a cluster needs and the machine lacks: Java, ZooKeeper, Redis, HAProxy and Maven by
apt-get, then Cassandra's jars by Maven, dynalite by npm and the SDK of DynamoDB by pip; for tests a
browser, Prometheus, and Helm by Go.

Invariants: what is there is left as it is. The packages' own services are not started: the policy
that forbids it is put in place for the time of the installation only, and one that the machine
already has is not touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.errors import NotInstalled
from cluster.folder import FetchedFolders
from cluster.parts import Kind
from cluster.progress import Progress
from cluster.servers import (
    cassandra,
    cassandra_jars,
    dynalite,
    dynalite_packages,
    dynamodb_sdk,
    haproxy,
    helm,
    redis_server,
    zookeeper,
)
from cluster.servers.java import find_any_java, find_java

_POLICY = Path("/usr/sbin/policy-rc.d")
_FORBID = (
    "#!/bin/sh\n# livecomments: do not start services while packages are installed\nexit 101\n"
)
_APT = ("apt-get", "-y", "-q", "--no-install-recommends")
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
_TAIL_LINES = 25
_BROWSER = "chromium"
_PROMETHEUS = "prometheus"
_JAVA_17 = "openjdk-17-jre-headless"
_IN_WORDS = {
    "libzookeeper-java": "ZooKeeper 3.8 (as Debian packages it)",
    _JAVA_17: "Java 17",
    "maven": "Maven 3.6 or newer",
    "redis-server": "Redis 7",
    "haproxy": "HAProxy 2.6 or newer",
    _BROWSER: "Chromium",
    _PROMETHEUS: "Prometheus 2.42 or newer",
}


def ensure_installed(kinds: Collection[Kind], fetched: FetchedFolders, progress: Progress) -> None:
    """Make sure that such parts can run.

    Raises NotInstalled with what a person has to do.
    """
    fetching = Kind.CASSANDRA in kinds and not cassandra_jars.are_there(fetched.jars)
    ensure_packages(kinds, progress, maven=fetching)
    if fetching:
        with progress.step(f"Cassandra {cassandra_jars.VERSION} by Maven"):
            cassandra_jars.fetch(fetched.jars)
    if Kind.DYNALITE in kinds:
        _ensure_dynalite(fetched.dynalite, progress)


def missing_packages(kinds: Collection[Kind], *, maven: bool) -> list[str]:
    """The Debian packages that such parts still need; empty when they can run."""
    missing = []
    if Kind.ZOOKEEPER in kinds:
        if zookeeper.find_class_path() is None:
            # Not the package `zookeeper`: that is scripts, a user and a full desktop Java.
            missing.append("libzookeeper-java")
        if find_any_java() is None:
            missing.append(_JAVA_17)
    if Kind.CASSANDRA in kinds and find_java(cassandra.JAVA_VERSION) is None:
        missing.append(_JAVA_17)
    if maven and cassandra_jars.find_maven() is None:
        missing.append("maven")
    if Kind.REDIS in kinds and redis_server.find_redis() is None:
        missing.append("redis-server")
    if Kind.HAPROXY in kinds and haproxy.find_haproxy() is None:
        missing.append("haproxy")
    return list(dict.fromkeys(missing))


def find_browser() -> str | None:
    """The command of the browser that tests use, or None."""
    return shutil.which(_BROWSER)


def find_prometheus() -> tuple[str, str] | None:
    """The commands of Prometheus and of promtool, which tests use, or None."""
    server, tool = shutil.which(_PROMETHEUS), shutil.which("promtool")
    return (server, tool) if server and tool else None


def ensure_packages(kinds: Collection[Kind], progress: Progress, *, maven: bool) -> None:
    """Install what is missing. Raises NotInstalled with what a person has to do."""
    missing = missing_packages(kinds, maven=maven)
    if missing:
        _install(missing, progress)


def ensure_browser(progress: Progress) -> None:
    """Install the browser that tests use; where that cannot be done, a note says so."""
    if find_browser() is None:
        try_to_install([_BROWSER], progress, "tests in a browser will be skipped")


def ensure_prometheus(progress: Progress) -> None:
    """Install what the rules and the dashboard of docs/monitoring/ are tested with; where that
    cannot be done, a note says so.
    """
    if find_prometheus() is None:
        try_to_install([_PROMETHEUS], progress, "tests with Prometheus will be skipped")


def ensure_dynalite(fetched: FetchedFolders, progress: Progress) -> None:
    """Install what tests of STORE=dynamodb use; where that cannot be done, a note says so."""
    try:
        ensure_installed([Kind.DYNALITE], fetched, progress)
    except NotInstalled as exc:
        progress.note(f"no dynalite, so tests with it will be skipped: {exc}")


def ensure_helm(folder: Path, progress: Progress) -> None:
    """Build the Helm that tests of the chart use, in `folder`; where that cannot be done, a note
    says so.
    """
    if helm.find_helm(folder) is not None:
        return
    try:
        if helm.find_go() is None:
            raise NotInstalled("this machine has neither helm nor go")
        with progress.step(f"Helm {helm.VERSION} by Go"):
            helm.build(folder)
    except NotInstalled as exc:
        progress.note(f"no helm, so tests of the chart will be skipped: {exc}")


def try_to_install(packages: list[str], progress: Progress, else_what: str) -> None:
    """Install what is useful but not needed; where that cannot be done, a note says why, and what
    happens without it.
    """
    try:
        _install(packages, progress)
    except NotInstalled as exc:
        why = " ".join(str(exc).splitlines()[-2:])
        progress.note(f"no {' '.join(packages)}, so {else_what}: {why}")


def _ensure_dynalite(folder: Path, progress: Progress) -> None:
    if dynalite.find_node() is None:
        raise NotInstalled(
            f"STORE=dynamodb needs Node {dynalite.NODE_MAJOR} or newer with npm, for dynalite, the"
            " emulator of DynamoDB: install it and try again"
        )
    dynamodb_sdk.ensure()
    if not dynalite_packages.are_there(folder):
        with progress.step(f"dynalite {dynalite_packages.VERSION} by npm"):
            dynalite_packages.fetch(folder)


def _install(missing: list[str], progress: Progress) -> None:
    prefix = _root_prefix(missing)
    with progress.step("apt-get update"):
        _run([*prefix, *_APT, "update"], may_fail=True)  # old lists may do
    with progress.step(f"apt-get install {' '.join(missing)}"), _no_services(prefix):
        _run([*prefix, *_APT, "install", *missing])
    find_java.cache_clear()


def _root_prefix(missing: list[str]) -> list[str]:
    if shutil.which("apt-get") is None:
        wanted = ", ".join(_IN_WORDS.get(package, package) for package in missing)
        raise NotInstalled(f"this machine has no apt-get; install {wanted} and try again")
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:
        return [sudo, "-n", "env", *(f"{name}={value}" for name, value in _ENVIRONMENT.items())]
    raise NotInstalled(
        "not root and no passwordless sudo; ask somebody who is to run\n"
        f"  apt-get install --no-install-recommends {' '.join(missing)}"
    )


@contextmanager
def _no_services(prefix: list[str]) -> Iterator[None]:
    if _POLICY.exists():
        yield
        return
    try:
        _run([*prefix, "tee", str(_POLICY)], given=_FORBID)
        _run([*prefix, "chmod", "755", str(_POLICY)])
        yield
    finally:
        _run([*prefix, "rm", "-f", str(_POLICY)])


def _run(command: list[str], *, given: str = "", may_fail: bool = False) -> None:
    done = subprocess.run(
        command,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | _ENVIRONMENT,
        text=True,
        errors="replace",
    )
    if done.returncode and not may_fail:
        tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        raise NotInstalled(f"{tail}\n`{' '.join(command)}` failed with {done.returncode}")
