"""The troubles of a fault: as long as something may be seen of it, and no longer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cluster.errors import StepFailed
from cluster.runtime import Condition
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.fault_injection import Injection, inject, troubles_of
from tests.chaos.faults import Crash, Fault, Kill
from tests.support import TIMEOUT_FACTOR

NOWHERE = cast(ClusterUnderTest, SimpleNamespace())


class Mortal:
    """A process as a cluster knows it: stopped and started it lives on under another pid, is ready
    (or is not) and then dies of its failpoint.
    """

    def __init__(self, *, gets_ready: bool = True) -> None:
        self._gets_ready, self._pid, self._running = gets_ready, 1, True
        self.ready = asyncio.Event()

    def pid(self, _name: str) -> int | None:
        return self._pid if self._running else None

    def condition(self, _name: str) -> Condition:
        return Condition.RUNNING if self._running else Condition.DEAD

    def set_environment(self, _name: str, **_: str) -> None: ...

    async def stop(self, _name: str) -> None:
        self._running = False

    async def start(self, _name: str, *, wait: bool = True) -> None:
        self._running, self._pid = True, self._pid + 1
        if not wait:
            asyncio.get_running_loop().call_later(0.1, self.ready.set)
            asyncio.get_running_loop().call_later(0.3, self._die)

    async def wait_ready(self, name: str) -> None:
        await self.ready.wait()
        if not self._gets_ready:
            raise StepFailed("it died", name, "")

    def _die(self) -> None:
        self._running = False


def crash(**how: bool) -> Crash:
    under_test = ClusterUnderTest(cast(Any, Mortal(**how)))
    return Crash(under_test, ["writer-1"], 3.0, True, point="writer.in_commit:kill@5")


async def test_a_crash_is_two_troubles_with_nothing_wrong_in_between() -> None:
    injection = await inject(crash(), 0.05)
    assert injection.armed_at is not None
    assert injection.began_at < injection.armed_at < injection.injected_at
    armed, crashed = troubles_of([injection])
    assert (armed.began_at, armed.ended_at) == (injection.began_at, injection.armed_at)
    assert (crashed.began_at, crashed.ended_at) == (injection.armed_at, injection.healed_at)
    assert armed.name == f"{crashed.name}: armed"


async def test_a_crash_before_it_was_ready_is_one_trouble() -> None:
    injection = await inject(crash(gets_ready=False), 0.0)
    (trouble,) = troubles_of([injection])
    assert (trouble.began_at, trouble.ended_at) == (injection.began_at, injection.healed_at)


def test_the_second_trouble_of_a_late_crash_begins_when_it_crashed() -> None:
    injection = Injection(crash_of_nothing(), 10.0, 50.0, 53.0, armed_at=12.0)
    armed, crashed = troubles_of([injection])
    assert armed.over_at == 12.0 + 3.0 * TIMEOUT_FACTOR
    assert (crashed.began_at, crashed.ended_at) == (49.0, 53.0)


def crash_of_nothing() -> Crash:
    return Crash(NOWHERE, ["writer-1"], 3.0, True, point="writer.in_commit:kill@5")


def kill(name: str, *, lasts: bool = False, only_routes: bool = False) -> Fault:
    return Kill(NOWHERE, [name], 5.0, lasts, only_routes)


@pytest.mark.parametrize("lasts", [False, True])
def test_a_fault_is_over_when_it_was_injected_or_when_it_is_healed(lasts: bool) -> None:
    (trouble,) = troubles_of([Injection(kill("node-1", lasts=lasts), 1.0, 2.0, 9.0)])
    assert trouble.ended_at == (9.0 if lasts else 2.0)
    assert trouble.calm_at == 9.0 + 5.0 * TIMEOUT_FACTOR


def test_of_two_at_a_time_the_bounds_are_added_and_both_last() -> None:
    injections = [
        Injection(kill("node-1"), 1.0, 2.0, 9.0),
        Injection(kill("zookeeper-1", only_routes=True), 3.0, 4.0, 8.0),
    ]
    node, zookeeper = troubles_of(injections)
    assert (node.began_at, node.ended_at) == (1.0, 9.0)
    assert (zookeeper.began_at, zookeeper.ended_at) == (3.0, 8.0)
    assert {trouble.bound_s for trouble in (node, zookeeper)} == {10.0 * TIMEOUT_FACTOR}
    assert not node.only_routes
    assert not zookeeper.only_routes
