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
from collections.abc import Awaitable, Iterator, Sequence

from cluster.folder import helm_folder, home_folder
from cluster.servers.helm import find_helm
from tests.chaos.figures import quantile
from tests.chaos.history import History, Outcome, Post
from tests.chaos.judge import judge
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.chaos.verdict import PROMISES
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
from tests.k8s.steps import Step, host_to_drain, steps

_SHAPE = Shape(viewers=40, videos=8, rate=10.0, churn_s=2.0, impatient=0.0)
# What every step shows. Which node is called for which video (P6) cannot be seen from outside, and
# counts (P9) are judged in calm alone, of which a short step has too little.
_JUDGED = [promise for promise in PROMISES if promise not in ("P6", "P9")]
_NAMESPACE = "livecomments-test"
_LOADED_FOR = 20  # comments before a step, and after it


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
        if "drained" in step.name and await host_to_drain(kubernetes) is None:
            print(f"{step.name}: NOT RUN: there is but one host")
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
    """Whether everything held while the step was done."""
    async with Load(url, _SHAPE, seed=step.name) as load:
        await load.wait_for_posts(_LOADED_FOR)
        began = time.monotonic()
        async with load.trouble(step.name, step.bound_s):
            await step.act(kubernetes)
        ended = time.monotonic()
        await load.wait_for_posts(_LOADED_FOR)
        history = await load.finish()
    verdict = judge(history)
    print(f"{step.name}: {_figures(history, began, ended)}", flush=True)
    unseen = [promise for promise in _JUDGED if not verdict.ledger.judged[promise]]
    if verdict.broken or unseen:
        print(verdict.text())
    return not verdict.broken and not unseen


def _figures(history: History, began: float, ended: float) -> str:
    """How long it took, what became of posts, how late they were answered and seen; times from a
    post's first call on.
    """
    posts = [post for post in history.posts if post.valid]
    acked = [post for post in posts if post.outcome is Outcome.ACKED]
    failed = sum(any(call not in post.acks for call in post.calls) for post in posts)
    answers = [post.answered_at - post.invoked_at for post in acked]
    screens = list(_to_screens(history, acked))
    streams = [len(watch.streams) for watch in history.watches]
    return (
        f"{ended - began:.0f} s; {len(posts)} posts, {len(acked)} acknowledged,"
        f" {failed} of them by another call; answered p50 {1000 * quantile(answers, 0.5):.0f} ms,"
        f" worst {max(answers):.2f} s; seen {len(screens)} times, p50"
        f" {1000 * quantile(screens, 0.5):.0f} ms, worst {max(screens):.2f} s;"
        f" {sum(streams) - len(streams)} reconnects of {len(streams)} viewers"
    )


def _to_screens(history: History, acked: Sequence[Post]) -> Iterator[float]:
    """From the first call for a comment to each screen that was there before."""
    began = {
        (post.video_id, (post.acks[0].answer or {}).get("seq")): post.invoked_at for post in acked
    }
    for watch in history.watches:
        for seen in watch.seen():
            at = began.get((watch.video_id, seen.event.data.get("seq")))
            if seen.event.type == "comment" and at is not None and watch.times[0] < at:
                yield seen.at - at


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
