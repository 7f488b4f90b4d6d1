"""Java, ZooKeeper and HAProxy by apt-get, on a machine that lacks them; for tests a browser too.

Law: what is there is left as it is. The packages' own services are not started: the policy that
forbids it is put in place for the time of the installation only, and one that the machine already
has is not touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster import haproxy, zookeeper
from cluster.errors import NotInstalled
from cluster.progress import Progress

_POLICY = Path("/usr/sbin/policy-rc.d")
_FORBID = (
    "#!/bin/sh\n# livecomments: do not start services while packages are installed\nexit 101\n"
)
_APT = ("apt-get", "-y", "-q", "--no-install-recommends")
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
_TAIL_LINES = 25
_BROWSER = "chromium"


def missing_packages() -> list[str]:
    """The Debian packages that the cluster still needs; empty when it can run."""
    needs = {
        # Not the package `zookeeper`: that is scripts, a user and a full desktop Java.
        "libzookeeper-java": zookeeper.find_class_path() is not None,
        "openjdk-17-jre-headless": zookeeper.find_java() is not None,
        "haproxy": haproxy.find_haproxy() is not None,
    }
    return [package for package, there in needs.items() if not there]


def find_browser() -> str | None:
    """The command of the browser that tests use, or None."""
    return shutil.which(_BROWSER)


def ensure_installed(progress: Progress) -> None:
    """Install what is missing. Raises NotInstalled with what a person has to do."""
    missing = missing_packages()
    if missing:
        _install(missing, progress)


def ensure_browser(progress: Progress) -> None:
    """Install the browser that tests use; where that cannot be done, a note says so."""
    if find_browser() is not None:
        return
    try:
        _install([_BROWSER], progress)
    except NotInstalled as exc:
        why = " ".join(str(exc).splitlines()[-2:])
        progress.note(f"no {_BROWSER}, so tests in a browser will be skipped: {why}")


def _install(missing: list[str], progress: Progress) -> None:
    prefix = _root_prefix(missing)
    with progress.step("apt-get update"):
        _run([*prefix, *_APT, "update"], may_fail=True)  # old lists may do
    with progress.step(f"apt-get install {' '.join(missing)}"), _no_services(prefix):
        _run([*prefix, *_APT, "install", *missing])


def _root_prefix(missing: list[str]) -> list[str]:
    if shutil.which("apt-get") is None:
        wanted = "Java 17 or newer, ZooKeeper 3.8 (as Debian packages it) and HAProxy 2.6 or newer"
        wanted = "Chromium" if missing == [_BROWSER] else wanted
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
