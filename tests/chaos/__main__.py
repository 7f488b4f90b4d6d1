"""`make chaos`: seeded runs (SEED, SEEDS, MINUTES, FAULTS; one by chance, 3 and all if not set).

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
from tests.chaos.campaign import Line, is_good, run_all, seeds_from, table
from tests.chaos.fault_catalogue import CATALOGUE
from tests.chaos.floor import Floor
from tests.chaos.judge import judge
from tests.chaos.run import Orders


def main() -> int:
    """Exit status: 0 all promises held under load, 1 not, 2 orders that make no sense."""
    if sys.argv[1:2] == ["judge"]:
        verdict = judge(archive.load(Path(sys.argv[2])), Floor())
        print(verdict.text())
        return 0 if verdict.good else 1
    try:
        orders, seeds = _read_orders()
    except ValueError as exc:
        print(exc)
        return 2
    folder = home_folder(os.environ) / "chaos"
    lines = uvloop.run(_until_told(run_all(orders, seeds, folder, os.environ, _tell)))
    if len(lines) > 1:
        print(table(lines))
    return 0 if is_good(lines) else 1


def _read_orders() -> tuple[Orders, list[str]]:
    """From the environment. Raises ValueError if they make no sense."""
    faults = tuple(os.environ.get("FAULTS", "").replace(",", " ").split())
    if unknown := set(faults) - set(CATALOGUE):
        there = " ".join(CATALOGUE)
        raise ValueError(f"no such fault: {' '.join(sorted(unknown))}; there are {there}")
    standard = Orders(os.environ.get("SEED") or str(secrets.randbelow(100_000)))
    orders = Orders(
        seed=standard.seed,
        minutes=float(os.environ.get("MINUTES") or standard.minutes),
        faults=faults,
        settings=read_settings(os.environ, standard.settings),
    )
    return orders, seeds_from(orders.seed, int(os.environ.get("SEEDS") or 1))


def _tell(line: str) -> None:
    print(line, flush=True)


async def _until_told(work: Coroutine[Any, Any, list[Line]]) -> list[Line]:
    """SIGTERM ends a run as Ctrl-C does: its cluster is stopped."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


sys.exit(main())
