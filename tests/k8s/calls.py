"""Which node was called for which video, from what the pods of the nodes have printed."""

from __future__ import annotations

import time
from collections.abc import Collection

from tests.chaos.call_log import read_call
from tests.chaos.history import Forward
from tests.k8s.install import COMPONENT, RELEASE
from tests.k8s.kubernetes import Kubernetes, names


async def calls_of_nodes(kubernetes: Kubernetes, videos: Collection[str]) -> list[Forward]:
    """All calls for these videos that the pods know of which are there now: whoever has ended has
    taken his log along. Their clocks must be ours. Raises Failed.
    """
    offset_s = time.monotonic() - time.time()  # logs carry wall clock, the history does not
    selector = f"app.kubernetes.io/instance={RELEASE},{COMPONENT}=node"
    found = []
    for pod in names(await kubernetes.get("pods", "-l", selector)):
        server = pod.removeprefix(f"{RELEASE}-")  # as the gateway calls it, and tells viewers
        for line in (await kubernetes.kubectl("logs", pod, "-c", "node")).splitlines():
            call = read_call(server, line, offset_s)
            if call is not None and call.video_id in videos:
                found.append(call)
    return found
