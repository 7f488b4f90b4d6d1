"""What is done to an installed chart while people post and watch. Each step ends when all is well
again, as Kubernetes sees it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.k8s.install import RELEASE, ROLES, install, workload
from tests.k8s.kubernetes import Kubernetes, names

Act = Callable[[Kubernetes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """`bound_s`: after its end nothing may be observed of it that much later."""

    name: str
    act: Act
    bound_s: float = 25.0


def steps() -> Iterator[Step]:
    """All of them, in their order."""
    yield Step("nothing", _nothing)
    for role in ROLES:
        yield Step(f"rolling update of the {role}s", _rolling(role))
    for role in ROLES:
        yield Step(f"a {role} killed", _killing(role))
    yield Step("a host drained", _drain)
    yield Step("all roles updated at once, by helm upgrade", _upgrade)


async def _nothing(kubernetes: Kubernetes) -> None:
    await kubernetes.rolled_out(*map(workload, ROLES))


def _rolling(role: str) -> Act:
    async def act(kubernetes: Kubernetes) -> None:
        await kubernetes.kubectl("rollout", "restart", workload(role))
        await kubernetes.rolled_out(workload(role))

    return act


def _killing(role: str) -> Act:
    async def act(kubernetes: Kubernetes) -> None:
        selector = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component={role}"
        pod = names(await kubernetes.get("pods", "-l", selector))[0]
        await kubernetes.kubectl("delete", "pod", pod, "--grace-period=0", "--force")
        await kubernetes.rolled_out(workload(role))

    return act


async def _drain(kubernetes: Kubernetes) -> None:
    """Of a host without the Cassandra of the test, whose data would end."""
    host = await host_to_drain(kubernetes)
    assert host is not None
    options = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=500s")
    try:
        await kubernetes.kubectl("drain", host, *options)
        await kubernetes.rolled_out(*map(workload, ROLES))
    finally:
        await kubernetes.kubectl("uncordon", host)


async def host_to_drain(kubernetes: Kubernetes) -> str | None:
    """A host that can be emptied, None if there is but one."""
    hosts = [each for each in (await kubernetes.get("nodes"))["items"] if _takes_pods(each)]
    cassandra = await kubernetes.get("pods", "-l", "app=cassandra")
    kept = {pod["spec"].get("nodeName") for pod in cassandra["items"]}
    free = [each["metadata"]["name"] for each in hosts]
    free = [name for name in free if name not in kept]
    return free[0] if free and len(hosts) > 1 else None


def _takes_pods(host: dict[str, Any]) -> bool:
    taints = host["spec"].get("taints", [])
    return not any(taint["effect"] in ("NoSchedule", "NoExecute") for taint in taints)


async def _upgrade(kubernetes: Kubernetes) -> None:
    turn = ("--set", "env.LOG_LEVEL=warning", "--set-string", "gateway.podLabels.turn=2")
    await install(kubernetes, *turn)
