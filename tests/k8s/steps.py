"""What is done to an installed chart while people post and watch. Each step ends when all is well
again, as Kubernetes sees it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from tests.k8s.hosts import cable, free_host, host_ready
from tests.k8s.install import COMPONENT, RELEASE, ROLES, image, install, workload
from tests.k8s.kubernetes import Kubernetes, names
from tests.support import wait_out

Act = Callable[[Kubernetes], Awaitable[None]]
Reason = Callable[[Kubernetes], Awaitable[str]]
BOUND_S = 25.0
CUT_S = 60.0  # longer than until Kubernetes gives a host up


async def _always(_kubernetes: Kubernetes) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Step:
    """`bound_s`: after its end nothing may be observed of it that much later. `why_not`: why it
    cannot be done here, "" if it can. `counted`: whether how many watch is told meanwhile.
    """

    name: str
    act: Act
    bound_s: float = BOUND_S
    why_not: Reason = _always
    counted: bool = True


def steps() -> Iterator[Step]:
    """All of them, in their order."""
    yield Step("nothing", _nothing, 0.0)
    for role in ROLES:
        yield Step(f"rolling update of the {role}s", _rolling(role))
    for role in ROLES:
        yield Step(f"a {role} killed", _killing(role))
    # Before the drain, which leaves no pod there: Kubernetes moves none back.
    yield Step(f"a host cut off for {CUT_S:.0f} s", _cut, why_not=_no_cable)
    yield Step("a host drained", _drain, why_not=_one_host)
    yield Step("all roles updated at once, by helm upgrade", _upgrade)
    # What the older version may not know, such as counts of viewers, nobody is told.
    yield Step("helm upgrade to the older version", _older, why_not=_no_older, counted=False)
    yield Step("helm upgrade to this version", install, why_not=_no_older)


async def _nothing(kubernetes: Kubernetes) -> None:
    await kubernetes.rolled_out(*map(workload, ROLES))


def _rolling(role: str) -> Act:
    async def act(kubernetes: Kubernetes) -> None:
        await kubernetes.kubectl("rollout", "restart", workload(role))
        await kubernetes.rolled_out(workload(role))

    return act


def _killing(role: str) -> Act:
    async def act(kubernetes: Kubernetes) -> None:
        selector = f"app.kubernetes.io/instance={RELEASE},{COMPONENT}={role}"
        pod = names(await kubernetes.get("pods", "-l", selector))[0]
        await kubernetes.kubectl("delete", "pod", pod, "--grace-period=0", "--force")
        await kubernetes.rolled_out(workload(role))

    return act


async def _drain(kubernetes: Kubernetes) -> None:
    host = await free_host(kubernetes)
    assert host is not None
    options = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=500s")
    try:
        await kubernetes.kubectl("drain", host, *options)
        await kubernetes.rolled_out(*map(workload, ROLES))
    finally:
        await kubernetes.kubectl("uncordon", host)


async def _one_host(kubernetes: Kubernetes) -> str:
    return "" if await free_host(kubernetes) else "there is no host that can be spared"


async def _cut(kubernetes: Kubernetes) -> None:
    """What runs there goes on, and hears nothing of the others."""
    host, wire = await free_host(kubernetes), cable()
    assert host is not None
    assert wire is not None
    there = await kubernetes.get("pods", "--field-selector", f"spec.nodeName={host}")
    components = {pod["metadata"]["labels"].get(COMPONENT) for pod in there["items"]}
    assert {"gateway", "node"} <= components, f"viewers would not feel it: {components} on {host}"
    await wire.cut(host)
    try:
        await wait_out(CUT_S)
    finally:
        await wire.heal(host)
    await host_ready(kubernetes, host)
    await kubernetes.rolled_out(*map(workload, ROLES))


async def _no_cable(kubernetes: Kubernetes) -> str:
    if cable() is None:
        return "HOST_CUT and HOST_HEAL do not say how a host is cut off here"
    return await _one_host(kubernetes)


async def _upgrade(kubernetes: Kubernetes) -> None:
    roles = (role for role in ROLES if role != "zookeeper")
    turn = [word for role in roles for word in ("--set-string", f"{role}.podLabels.turn=2")]
    await install(kubernetes, *turn)


async def _older(kubernetes: Kubernetes) -> None:
    await install(kubernetes, *image(os.environ["OLD_IMAGE"]))


async def _no_older(_kubernetes: Kubernetes) -> str:
    return "" if os.environ.get("OLD_IMAGE") else "OLD_IMAGE names no image of an older version"
