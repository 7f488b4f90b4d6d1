"""Compose as a command: `docker compose` (version 2), else `docker-compose` (1.29), or what the
variable COMPOSE names, such as `docker-compose`.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.errors import ClusterError, NotInstalled

SOCKET = "unix:///var/run/docker.sock"
COMPOSE = "COMPOSE"
_KNOWN = ("docker compose", "docker-compose")
_PASSED_ON = ("PATH", "HOME", "LANG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
_DEADLINE_S = 900.0  # an image may have to be pulled or built
_TAIL_LINES = 25


def find_compose(environ: Mapping[str, str]) -> list[str] | None:
    """The command, or None if there is no compose, or not the one that is asked for."""
    asked = environ.get(COMPOSE, "").strip()
    for words in map(shlex.split, (asked,) if asked else _KNOWN):
        program = shutil.which(words[0], path=environ.get("PATH"))
        command = [program or "", *words[1:]]
        if program and subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return command
    return None


def no_compose(environ: Mapping[str, str]) -> str:
    """Why `find_compose` found nothing, in one line."""
    if asked := environ.get(COMPOSE, "").strip():
        return f"COMPOSE={asked} is no compose that works here"
    return "there is no compose (docker-compose-plugin, or docker-compose 1.29)"


class Compose:
    """Runs compose in the folder that holds a cluster's files, against the same engine as the
    SDK.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._command: list[str] | None = None

    async def run(self, *arguments: str) -> str:
        """What it wrote to stdout. Raises ClusterError with the end of what it said if it fails,
        and NotInstalled if there is no compose.
        """
        process = await asyncio.create_subprocess_exec(
            *self._find(),
            *arguments,
            cwd=self._folder,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_DEADLINE_S):
                out, err = await process.communicate()
        except BaseException as exc:
            process.kill()
            await process.wait()
            if isinstance(exc, TimeoutError):
                raise ClusterError(f"compose {arguments[0]} did not end") from exc
            raise
        if process.returncode:
            raise ClusterError(_failure(arguments, (out + err).decode(errors="replace")))
        return out.decode(errors="replace")

    def _find(self) -> Sequence[str]:
        self._command = self._command or find_compose(self._environ)
        if self._command is None:
            raise NotInstalled(f"{no_compose(self._environ)}; RUNTIME=local needs none")
        return self._command

    def _environment(self) -> dict[str, str]:
        """None of the person's variables may take the place of those in .env."""
        docker = {name: value for name, value in self._environ.items() if name.startswith("DOCKER")}
        passed_on = {name: self._environ[name] for name in _PASSED_ON if name in self._environ}
        return {"DOCKER_HOST": SOCKET} | docker | passed_on


def _failure(arguments: Sequence[str], said: str) -> str:
    tail = "\n".join(said.strip().splitlines()[-_TAIL_LINES:])
    return f"{tail}\n`compose {' '.join(arguments)}` failed"
