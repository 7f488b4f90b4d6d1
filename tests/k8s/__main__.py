"""`python -m tests.k8s [word of a step...]`: the chart in a real Kubernetes, the one that
`KUBECONFIG` names. A load runs during each step, and the whole history of it is judged for what is
promised; a line for each step has its figures.

Exit status: 0 all held, or there is no Kubernetes (the line says why); 1 something did not hold.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Sequence

from cluster.folder import helm_folder, home_folder
from cluster.servers.helm import find_helm
from tests.chaos.judge import judge
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.chaos.verdict import PROMISES
from tests.k8s.calls import calls_of_nodes
from tests.k8s.figures import figures
from tests.k8s.install import (
    describe,
    find_gateway,
    install,
    prepare,
    remove,
    try_by_hook,
    uninstall,
)
from tests.k8s.kubernetes import Failed, Kubernetes, why_not
from tests.k8s.steps import BOUND_S, Step, steps
from tests.support import TIMEOUT_FACTOR, wait_out

# As our own clients are told to: heartbeats come every 3 s.
_SILENCE_S = 8.0
_SHAPE = Shape(
    viewers=40, videos=8, rate=10.0, churn_s=2.0, impatient=0.0, silence_s=_SILENCE_S
)  # fmt: skip
_NAMESPACE = "livecomments-test"
_LOADED_FOR = 30  # comments before a step, and when nothing may be felt of it any more


async def main(words: Sequence[str]) -> int:
    helm = find_helm(helm_folder(home_folder(os.environ)))
    if why := await why_not(helm):
        print(f"test-k8s: NOT RUN: {why}")
        return 0
    assert helm is not None
    kubernetes = Kubernetes(helm, _NAMESPACE)
    try:
        return await _run(kubernetes, words)
    except (Failed, AssertionError) as exc:
        print(f"{exc}\n{await describe(kubernetes)}")
        return 1
    finally:
        await remove(kubernetes)


async def _run(kubernetes: Kubernetes, words: Sequence[str]) -> int:
    await remove(kubernetes)
    await _timed("Cassandra", prepare(kubernetes))
    await _timed("install", install(kubernetes))
    await _timed("helm test: posts and reads", try_by_hook(kubernetes))
    url = await find_gateway(kubernetes)
    if url is None:
        print("test-k8s: NOT RUN: no address of the gateway's Service is reached from here")
        return 1
    wrong = 0
    for step in steps():
        if words and not any(word in step.name for word in words):
            continue
        if why := await step.why_not(kubernetes):
            print(f"{step.name}: NOT RUN: {why}")
            continue
        wrong += not await _judged(kubernetes, step, url)
    left = await uninstall(kubernetes)
    print(f"uninstall: {', '.join(left) or 'nothing'} left")
    return 1 if wrong or left else 0


async def _timed(name: str, work: Awaitable[None]) -> None:
    began = time.monotonic()
    await work
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


async def _judged(kubernetes: Kubernetes, step: Step, url: str) -> bool:
    """Whether everything held while the step was done, and after it."""
    async with Load(url, _SHAPE, seed=step.name) as load:
        await load.wait_for_posts(_LOADED_FOR)
        began = time.monotonic()
        async with load.trouble(step.name, step.bound_s):
            await step.act(kubernetes)
        took_s = time.monotonic() - began
        await wait_out(BOUND_S * TIMEOUT_FACTOR)
        await load.wait_for_posts(_LOADED_FOR)
        history = await load.finish()
        history.forwards = await calls_of_nodes(kubernetes, load.videos)
    judged = list(PROMISES)
    if not step.counted:
        history.counted = False
        history.polls.clear()
        judged.remove("P9")
    verdict = judge(history)
    print(f"{step.name}: {figures(history, took_s)}", flush=True)
    unseen = [promise for promise in judged if not verdict.ledger.judged[promise]]
    if verdict.broken or unseen:
        print(verdict.text())
    return not verdict.broken and not unseen


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
