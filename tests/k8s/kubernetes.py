"""Kubernetes and Helm, by their commands: whatever `KUBECONFIG` says is what they call."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_LONG_S = 600.0
_ASKED_EVERY_S = 0.5


class Failed(Exception):
    """A command failed; str() has it, and what it printed."""


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """`helm` is a command; all is done in one namespace."""

    helm_command: str
    namespace: str

    async def kubectl(self, *words: str, given: str = "") -> str:
        """What it printed. Raises Failed."""
        return await run("kubectl", "-n", self.namespace, *words, given=given)

    async def helm(self, *words: str) -> str:
        """What it printed. Raises Failed."""
        return await run(self.helm_command, "-n", self.namespace, *words)

    async def get(self, *words: str) -> dict[str, Any]:
        """One object, or a list of them. Raises Failed."""
        found: dict[str, Any] = json.loads(await self.kubectl("get", *words, "-o", "json"))
        return found

    async def rolled_out(self, *workloads: str) -> None:
        """Waits until all pods of these are new, and ready, and no old one is left. Raises Failed,
        also after ten minutes.
        """
        for workload in workloads:
            await self.kubectl("rollout", "status", workload, f"--timeout={_LONG_S:.0f}s")
        give_up_at = time.monotonic() + _LONG_S
        while ending := await self._ending():
            if time.monotonic() > give_up_at:
                raise Failed(f"pods that do not end: {', '.join(ending)}")
            await asyncio.sleep(_ASKED_EVERY_S)

    async def _ending(self) -> Sequence[str]:
        pods = (await self.get("pods"))["items"]
        return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" in pod["metadata"]]


async def run(*command: str, given: str = "") -> str:
    """The standard output of a command. Raises Failed, also if it takes longer than ten minutes."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(given.encode()), _LONG_S)
    except TimeoutError as exc:
        process.kill()
        await process.wait()
        raise Failed(f"{' '.join(command)} took longer than {_LONG_S:.0f} s") from exc
    if process.returncode:
        raise Failed(f"{' '.join(command)}: {err.decode().strip() or out.decode().strip()}")
    return out.decode()


async def why_not(helm: str | None) -> str:
    """In one line why there is nothing to install into; "" if there is."""
    if shutil.which("kubectl") is None:
        return "there is no kubectl"
    if helm is None:
        return "there is no helm (`livecomments install --tests` builds it where Go is)"
    try:
        await run("kubectl", "--request-timeout=5s", "get", "--raw", "/readyz")
    except Failed as exc:
        return f"no Kubernetes answers: {str(exc).splitlines()[-1]}"
    return ""


def names(listed: dict[str, Any]) -> Sequence[str]:
    """Of objects of a list."""
    return [each["metadata"]["name"] for each in listed["items"]]
