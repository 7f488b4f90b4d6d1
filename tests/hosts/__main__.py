"""The drill: a load on a cluster over several hosts, one fault after the other, and a verdict.

`python -m tests.hosts FOLDER PREFIX` inside the network of host `client`; exit status 1 if a
promise is broken. Faults: for each role the cable of one host, for 8 s; a node that ends and comes
back at another address.
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
from tests.hosts.network import Network
from tests.hosts.site import CASSANDRA, ZOOKEEPER, Site, addresses

CUT_S = 8.0  # longer than a session of ZooKeeper, and than what the gateway bears from a node
# After each heals, so long at most it may be felt: five times what is seen on a quiet machine.
BOUNDS_S = {"n1": 25.0, "d1": 20.0, "w1": 30.0, ZOOKEEPER: 20.0, CASSANDRA: 25.0}
MOVE_BOUND_S = 30.0
_SHAPE = Shape(viewers=90, videos=9, rate=30.0, removals=0.02)


async def drill(site: Site) -> History:
    """All faults, in the same order always."""
    async with site.run(), Load(site.url, _SHAPE, issuer=site.issuer) as load:
        await load.wait_for_posts(100, 60)
        for host, bound_s in BOUNDS_S.items():
            async with load.trouble(f"{host} is cut off", bound_s):
                site.network.cut(host)
                await asyncio.sleep(CUT_S)
                site.network.heal(host)
            await asyncio.sleep(bound_s)
            await load.wait_for_posts(50, 60)
        async with load.trouble("n2 moves", MOVE_BOUND_S):
            await site.move("n2", "10.77.0.99")
            await site.until_ready("n2")
        await asyncio.sleep(MOVE_BOUND_S)
        await load.wait_for_posts(50, 60)
        history = await load.finish(60)
        for host in ("n2", "d2", "w2"):
            await site.stop(host)
        return history


async def main(folder: Path, prefix: str) -> int:
    """Print what came of it; 1 if a promise is broken."""
    site = Site(folder, Network(prefix, addresses()))
    history = await drill(site)
    verdict = judge(history)
    acked = sum(bool(post.acks) for post in history.posts)
    print(f"{len(history.posts)} posts, {acked} acknowledged, {len(history.watches)} viewers")
    for trouble, impact in impact_s(history):
        print(f"  impact {impact:5.1f} s of {trouble.bound_s:4.1f} s  {trouble.name}")
    print(verdict.text())
    return 1 if verdict.broken or not acked else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2])))
