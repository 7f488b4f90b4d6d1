"""The judge finds wrong counts: a node that does not exist reports viewers to all writers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

from cluster.ca import DevelopmentCa
from cluster.cluster import Cluster
from service.http_client import InternalClient
from service.tls import TlsFiles
from tests.chaos.judge import judge
from tests.chaos.judge_counts import OLD_S, RIGHT_AFTER_S, counts_in_calm
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.contract import writers
from tests.support import eventually
from wire.counts import COUNTS, CountsReport
from wire.errors import PeerError
from wire.ids import new_boot_id
from wire.internal import encode
from wire.roles import Peer, Role

SMALL = True
RUNTIMES = ("local",)  # where a certificate can be had
GHOSTS = 3
QUIET = Shape(viewers=12, videos=2, rate=20, impatient=0, churn_s=0)


@asynccontextmanager
async def haunted(cluster: Cluster, folder: Path, video_id: str) -> AsyncIterator[None]:
    """While this is open, somebody with a node's certificate says that ghosts watch."""
    DevelopmentCa.load_or_create(cluster.folder.ca).issue(Role.NODE, "node-9").write(folder)
    client = InternalClient(TlsFiles(folder))
    await client.start()
    told = asyncio.Event()

    async def report() -> None:
        boot = new_boot_id()
        for number in count(1):
            for name in writers(cluster):
                peer = Peer(Role.WRITER, name, "127.0.0.1", cluster.part(name).ports["internal"])
                report = CountsReport(boot, number, 0, {video_id: GHOSTS})
                with suppress(PeerError):  # what comes late on a busy machine is told again
                    await client.post(peer, COUNTS, encode(report))
            told.set()
            await asyncio.sleep(1.0)

    task = asyncio.create_task(report())
    try:
        await asyncio.wait_for(told.wait(), 20)
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.stop()


async def test_the_judge_finds_viewers_that_are_not_there(cluster: Cluster, tmp_path: Path) -> None:
    async with Load.on(cluster, QUIET) as load:
        video_id, history = load.videos[0], load.history
        async with haunted(cluster, tmp_path, video_id):
            wrong = 4 + GHOSTS
            mine = [watch for watch in history.watches if watch.video_id == video_id]
            assert len(mine) == wrong - GHOSTS
            await eventually(lambda: all(w.counts and w.counts[-1][1] == wrong for w in mine))
            await load.wait_for_posts(int(QUIET.rate * (RIGHT_AFTER_S + OLD_S)), 120)
        verdict = judge(await load.finish())
    assert counts_in_calm(history) > 0
    assert {line.split()[0] for line in verdict.broken} == {"P9"}
    assert f"was told of {wrong} viewers" in verdict.text()
