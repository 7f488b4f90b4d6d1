"""One fault, carried out: when it began and was healed, the troubles and the calm that follow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cluster.cluster import Cluster
from cluster.errors import StepFailed
from tests.chaos.faults import Crash, Fault
from tests.chaos.history import History, Trouble
from tests.chaos.judge_routes import AFTER_LEAVING_S
from tests.support import TIMEOUT_FACTOR

LONG_CALM_S = AFTER_LEAVING_S + 8.0
_LOOK_EVERY_S = 0.05
_NOTICED_S = 1.0  # so much later at most it is seen that a process has crashed


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault with its times. `armed_at`: the process that is going to crash was whole until then;
    None if it was not seen to be. `joins_wait`: see Trouble.
    """

    fault: Fault
    began_at: float
    injected_at: float
    healed_at: float
    armed_at: float | None = None
    joins_wait: bool = False


async def inject(fault: Fault, hold_s: float, *, joins_wait: bool = False) -> Injection:
    """Inject, hold, heal."""
    began_at = time.monotonic()
    armed_at = await _inject(fault)
    injected_at = time.monotonic()
    await asyncio.sleep(hold_s)
    await fault.heal()
    return Injection(fault, began_at, injected_at, time.monotonic(), armed_at, joins_wait)


def troubles_of(injections: Sequence[Injection]) -> Iterator[Trouble]:
    """Of injections that were injected at the same time: of two the bounds are added, and what is
    over at once where the others take over may last where these are struck too.
    """
    bound_s = sum(injection.fault.bound_s for injection in injections) * TIMEOUT_FACTOR
    only_routes = all(injection.fault.only_routes for injection in injections)
    joins_wait = any(injection.joins_wait for injection in injections)
    for injection in injections:
        title, began_at = injection.fault.title, injection.began_at
        lasts = injection.fault.lasts or len(injections) > 1
        ended_at = injection.healed_at if lasts else injection.injected_at
        if injection.armed_at is not None:
            # It is stopped and started to be armed, and then nothing is wrong until it crashes.
            yield Trouble(
                f"{title}: armed", began_at, injection.armed_at, bound_s, only_routes, joins_wait,
                injection.armed_at,
            )  # fmt: skip
            began_at = max(injection.injected_at - _NOTICED_S, injection.armed_at)
        yield Trouble(
            title, began_at, ended_at, bound_s, only_routes, joins_wait, injection.healed_at
        )


async def outlast(history: History, injections: Sequence[Injection], longer_s: float) -> None:
    """Note the troubles of these injections, and wait until nothing of them may be observed any
    more, and `longer_s`.
    """
    troubles = list(troubles_of(injections))
    history.troubles += troubles
    over_at = max(trouble.over_at for trouble in troubles)
    await asyncio.sleep(max(over_at - time.monotonic(), 0.0) + longer_s)


async def long_calm(history: History) -> None:
    """Wait until nothing excuses the call of a node that has no viewer any more, and some time
    longer, so that there are calls to judge. At once where there was no trouble.
    """
    calm_at = max((trouble.calm_at for trouble in history.troubles), default=0.0)
    await asyncio.sleep(max(calm_at + LONG_CALM_S - time.monotonic(), 0.0))


async def _inject(fault: Fault) -> float | None:
    """When a process that is to crash was whole again; None for every other fault."""
    if not isinstance(fault, Crash):
        await fault.inject()
        return None
    cluster, (name,) = fault.under_test.cluster, fault.targets
    arming = asyncio.create_task(_armed_at(cluster, name, cluster.pid(name)))
    try:
        await fault.inject()
        return arming.result() if arming.done() else None
    finally:
        arming.cancel()
        await asyncio.gather(arming, return_exceptions=True)


async def _armed_at(cluster: Cluster, name: str, before: int | None) -> float | None:
    """When its next life was ready; None if that ended before it was."""
    while cluster.pid(name) in (before, None):
        await asyncio.sleep(_LOOK_EVERY_S)
    try:
        await cluster.wait_ready(name)
    except StepFailed:
        return None
    return time.monotonic()
