"""Hosts: which one can be spared, and how its cable is pulled, where somebody has said how."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from tests.k8s.kubernetes import Kubernetes, run

_READY_WITHIN_S = 120


def chosen_host() -> str:
    """HOST_TO_CUT: the host that is cut and drained; "" if that does not matter. It gets no
    Cassandra of the test; whoever runs the test must reach the others without it.
    """
    return os.environ.get("HOST_TO_CUT", "")


@dataclass(frozen=True, slots=True)
class Cable:
    """Commands of a shell, which get the name of a host as one more word."""

    pull: str
    plug: str

    async def cut(self, host: str) -> None:
        """Nothing arrives there or leaves it. Raises Failed."""
        await self._do(self.pull, host)

    async def heal(self, host: str) -> None:
        """As before. Raises Failed."""
        await self._do(self.plug, host)

    async def _do(self, command: str, host: str) -> None:
        await run("sh", "-c", f'{command} "$1"', "sh", host)


def cable() -> Cable | None:
    """HOST_CUT and HOST_HEAL; None without them: what lies between hosts is their owner's."""
    pull, plug = os.environ.get("HOST_CUT"), os.environ.get("HOST_HEAL")
    return Cable(pull, plug) if pull and plug else None


async def free_host(kubernetes: Kubernetes) -> str | None:
    """A host without the Cassandra of the test, whose data would end; None if there is but one."""
    hosts = [each for each in (await kubernetes.get("nodes"))["items"] if _takes_pods(each)]
    cassandra = await kubernetes.get("pods", "-l", "app=cassandra")
    kept = {pod["spec"].get("nodeName") for pod in cassandra["items"]}
    free = [each["metadata"]["name"] for each in hosts]
    free = [name for name in free if name not in kept and chosen_host() in ("", name)]
    return free[0] if free and len(hosts) > 1 else None


async def host_ready(kubernetes: Kubernetes, host: str) -> None:
    """Waits until Kubernetes knows it again. Raises Failed."""
    await kubernetes.kubectl(
        "wait", "--for=condition=Ready", f"node/{host}", f"--timeout={_READY_WITHIN_S}s"
    )


def _takes_pods(host: dict[str, Any]) -> bool:
    taints = host["spec"].get("taints", [])
    return not any(taint["effect"] in ("NoSchedule", "NoExecute") for taint in taints)
