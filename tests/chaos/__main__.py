"""`make chaos`: one seeded run (SEED, MINUTES, FAULTS; by chance, 3 and all when not set).

`python -m tests.chaos judge FILE` judges a kept history again.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop

from cluster.folder import home_folder
from cluster.settings import read_settings
from tests.chaos import archive
from tests.chaos.floor import Floor
from tests.chaos.judge import judge
from tests.chaos.menu import MENU
from tests.chaos.run import Orders, Report, run


def main() -> int:
    """Exit status: 0 all promises held under load, 1 not, 2 orders that make no sense."""
    if sys.argv[1:2] == ["judge"]:
        verdict = judge(archive.load(Path(sys.argv[2])), Floor())
        print(verdict.text())
        return 0 if verdict.good else 1
    faults = tuple(os.environ.get("FAULTS", "").replace(",", " ").split())
    if unknown := set(faults) - set(MENU):
        print(f"no such fault: {' '.join(sorted(unknown))}; there are {' '.join(MENU)}")
        return 2
    standard = Orders("")
    orders = Orders(
        seed=os.environ.get("SEED") or str(secrets.randbelow(100_000)),
        minutes=float(os.environ.get("MINUTES") or standard.minutes),
        faults=faults,
        settings=read_settings(os.environ, standard.settings),
    )
    folder = home_folder(os.environ) / "chaos" / f"seed-{orders.seed}"
    print(f"SEED={orders.seed} MINUTES={orders.minutes:g} FAULTS={','.join(faults)}", flush=True)
    report = uvloop.run(_until_told(run(orders, folder, _tell)))
    print(report.text())
    if not report.good:
        print(f"history, report and logs: {folder}")
    return 0 if report.good else 1


def _tell(line: str) -> None:
    print(f"  {line}", flush=True)


async def _until_told(work: Coroutine[Any, Any, Report]) -> Report:
    """SIGTERM ends a run as Ctrl-C does: its cluster is stopped."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


sys.exit(main())
