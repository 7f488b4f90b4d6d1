"""Measures topologies one after another, each on a cluster of its own that grows step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench.child import BenchFailed, Child
from bench.topologies import audience
from bench.topologies.growing import growing
from bench.topologies.plan import Plan, Variant
from bench.topologies.results import Measured
from bench.topologies.step import Step
from cluster.cluster import Cluster
from cluster.errors import ClusterError, StepFailed

Say = Callable[[str], None]
Measure = Callable[[Plan, Variant, Path, Measured], Coroutine[None, None, None]]


async def measure(plan: Plan, variant: Variant, home: Path, measured: Measured) -> None:
    """Fill `measured` bit by bit, on a cluster of its own in the folder `home`. Raises BenchFailed
    or ClusterError.
    """
    steps = plan.steps if variant.grows else (1,)
    async with growing(variant, home) as grow:
        with Child(audience.run) as viewers:
            for nodes in steps:
                cluster = await grow(nodes)
                if nodes == plan.main_nodes or not variant.grows:
                    await _measure_spread(plan, cluster, viewers, measured)
                    await _measure_main(plan, cluster, viewers, measured)
                else:
                    step = Step(plan, cluster, viewers, plan.exponent)
                    await step.open()
                    measured.samples.append(await step.usual())
                    await step.close()


async def _measure_spread(plan: Plan, cluster: Cluster, viewers: Child, measured: Measured) -> None:
    for exponent in plan.spreads:
        step = Step(plan, cluster, viewers, exponent)
        await step.open()
        measured.spread.append(await step.usual())
        await step.close()


async def _measure_main(plan: Plan, cluster: Cluster, viewers: Child, measured: Measured) -> None:
    """Last at this size, for a kill leaves traces."""
    step = Step(plan, cluster, viewers, plan.exponent)
    await step.open()
    measured.main = await step.usual()
    measured.samples.append(measured.main)
    measured.spread.append(measured.main)
    measured.burst = await step.burst()
    measured.heal = await step.heal()
    await step.close()


def measure_all(
    plan: Plan,
    variants: Sequence[Variant],
    say: Say,
    measure: Measure = measure,
    repeats: int = 1,
) -> list[Measured]:
    """Each of `variants`, and all of them again; one that fails costs only itself, and says why."""
    found = []
    for repeat in range(1, repeats + 1):
        for variant in variants:
            measured = Measured(variant.name, variant.label, variant.hops, repeat=repeat)
            found.append(measured)
            _measure_one(plan, variant, say, measure, measured)
    return found


def _measure_one(
    plan: Plan, variant: Variant, say: Say, measure: Measure, measured: Measured
) -> None:
    began = time.monotonic()
    with TemporaryDirectory(prefix="livecomments-compare-") as home:
        try:
            uvloop.run(measure(plan, variant, Path(home), measured))
        except (BenchFailed, ClusterError, OSError) as exc:
            measured.failure = str(exc) or repr(exc)
            say(f"{variant.name}: not measured: {measured.failure}")
            if isinstance(exc, StepFailed):
                say(exc.log_tail)
    say(f"{variant.name}: {time.monotonic() - began:.0f} s")
