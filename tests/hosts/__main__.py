"""The drill: a load on a cluster over several hosts, one fault after the other, and a verdict.

`python -m tests.hosts LAYOUT FOLDER PREFIX` inside the network of host `client`; exit status 1 if a
promise is broken. `apart`: for each role the cable of one host is cut for 8 s, and a node ends and
comes back at another address. `three`: the cable of a host that runs everything, for 8 s and for 30
s; then a rolling restart of all processes, as for a new version.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.chaos.history import History
from tests.chaos.judge import judge
from tests.chaos.judge_times import impact_s
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.hosts.layout import APART, LAYOUTS, THREE, Layout
from tests.hosts.network import Network
from tests.hosts.site import Site

CUT_S = 8.0  # longer than a session of ZooKeeper, and than what the gateway bears from a node
LONG_CUT_S = 30.0
# After each heals, so long at most it may be felt: five times what is seen on a quiet machine.
BOUNDS_S = {"n1": 25.0, "d1": 20.0, "w1": 30.0, "zk": 20.0, "cassandra": 25.0}
MOVE_BOUND_S = 30.0
HOST_BOUND_S = 30.0
RESTART_BOUND_S = 20.0
_SHAPE = Shape(viewers=90, videos=9, rate=30.0, removals=0.02)


async def cut(site: Site, load: Load, host: str, for_s: float, bound_s: float) -> None:
    """The host's cable is out; then nothing happens for as long as it may be felt."""
    async with load.trouble(f"{host} is cut off for {for_s:.0f} s", bound_s):
        site.network.cut(host)
        await asyncio.sleep(for_s)
        site.network.heal(host)
    await asyncio.sleep(bound_s)
    await load.wait_for_posts(50, 60)


async def drill_apart(site: Site, load: Load) -> None:
    """Each role, and a node that moves."""
    for host, bound_s in BOUNDS_S.items():
        await cut(site, load, host, CUT_S, bound_s)
    async with load.trouble("node-2 moves", MOVE_BOUND_S):
        await site.move("node-2", "10.77.0.99")
        await site.until_ready("node-2")
    await asyncio.sleep(MOVE_BOUND_S)
    await load.wait_for_posts(50, 60)


async def drill_three(site: Site, load: Load) -> None:
    """Host c runs everything but a gateway."""
    await cut(site, load, "c", CUT_S, HOST_BOUND_S)
    await cut(site, load, "c", LONG_CUT_S, HOST_BOUND_S)
    for role in ("node", "dispatcher", "writer"):
        for number in (1, 2, 3):
            name = f"{role}-{number}"
            async with load.trouble(f"{name} is restarted", RESTART_BOUND_S):
                await site.stop(name)
                site.start(name)
                await site.until_ready(name)
            await load.wait_for_posts(50, 60)
    await asyncio.sleep(RESTART_BOUND_S)


async def drill(site: Site) -> History:
    """All faults, in the same order always."""
    async with site.run(), Load(site.url, _SHAPE, issuer=site.issuer) as load:
        await load.wait_for_posts(100, 60)
        await (drill_three if site.layout is THREE else drill_apart)(site, load)
        history = await load.finish(60)
        if site.layout is APART:
            for name in ("node-2", "dispatcher-2", "writer-2"):
                await site.stop(name)
        return history


async def main(layout: Layout, folder: Path, prefix: str) -> int:
    """Print what came of it; 1 if a promise is broken."""
    history = await drill(Site(folder, Network(prefix, layout.addresses), layout))
    verdict = judge(history)
    acked = sum(bool(post.acks) for post in history.posts)
    print(f"{len(history.posts)} posts, {acked} acknowledged, {len(history.watches)} viewers")
    for trouble, impact in impact_s(history):
        print(f"  impact {impact:5.1f} s of {trouble.bound_s:4.1f} s  {trouble.name}")
    print(verdict.text())
    return 1 if verdict.broken or not acked else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(LAYOUTS[sys.argv[1]], Path(sys.argv[2]), sys.argv[3])))
