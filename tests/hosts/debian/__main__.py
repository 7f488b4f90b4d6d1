"""`python -m tests.hosts.debian FOLDER [--only WORD]... [--before COMMIT]`: three Debian hosts with
systemd, put up word by word as docs/hosts.md says, and a drill on them; a line for each step has
its figures, and the whole history of each is judged.

Needs root, debootstrap, and a way to Debian's mirror, PyPI and Maven. FOLDER must not be there; its
hosts take 6 GB of it. Exit status: 0 all held, 1 something did not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cluster.folder import home_folder, jars_folder
from cluster.servers import cassandra_jars
from tests.chaos.judge import judge
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.chaos.verdict import PROMISES
from tests.hosts.debian.installed import Installed
from tests.hosts.debian.machine import Machine
from tests.hosts.debian.steps import Step, steps
from tests.hosts.layout import CLIENT
from tests.hosts.network import Network
from tests.hosts.units import ROOT
from tests.k8s.figures import figures

# Two versions of Debian, of HAProxy, of ZooKeeper and of Python at work with each other.
SUITES = {"one": "trixie", "two": "bookworm", "three": "trixie"}
_MODULE = "tests.hosts.debian"
_PREFIX = "lcd"
_INSIDE = "LIVECOMMENTS_TEST_OUTSIDE"  # set in the network of the hosts: the one that it is not
# The first commit that can be installed so.
_BEFORE = "333c99b"
_SHAPE = Shape(viewers=40, videos=8, rate=10.0, churn_s=2.0, impatient=0.0, removals=0.02)
# Which node is called for which video (P6) cannot be seen from outside, and counts (P9) are judged
# in calm alone, of which a short step has too little.
_JUDGED = [promise for promise in PROMISES if promise not in ("P6", "P9")]
_LOADED_FOR = 20  # comments before a step, and after it


def main(arguments: argparse.Namespace) -> int:
    """Makes the network, and goes on inside of it."""
    addresses = {name: f"10.0.0.{number}" for number, name in enumerate(SUITES, 1)}
    network = Network(_PREFIX, addresses | {CLIENT: "10.0.0.9"})
    if outside := os.environ.get(_INSIDE):
        return asyncio.run(_drill(arguments, network, Path(outside)))
    cassandra_jars.fetch(jars_folder(home_folder(os.environ)))
    with network.run():
        inside = [
            "nsenter",
            f"--net={network.namespace(CLIENT)}",
            sys.executable,
            "-m",
            _MODULE,
        ]
        outside = f"/proc/{os.getpid()}/ns/net"
        return subprocess.run(
            [*inside, *sys.argv[1:]], env=os.environ | {_INSIDE: outside}, cwd=ROOT
        ).returncode


async def _drill(arguments: argparse.Namespace, network: Network, outside: Path) -> int:
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True)
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    machines = [
        Machine(name, suite, folder / name, network, key, outside) for name, suite in SUITES.items()
    ]
    site = Installed(folder, machines)
    try:
        await asyncio.gather(*(asyncio.to_thread(_make, machine) for machine in machines))
        await asyncio.to_thread(site.all_steps)
        wrong = 0
        for step in steps(arguments.before, _commit()):
            if not arguments.only or any(word in step.name for word in arguments.only):
                wrong += not await _judged(site, step)
        return 1 if wrong else 0
    finally:
        for machine in machines:
            machine.off()


def _make(machine: Machine) -> None:
    machine.make()
    machine.boot()


async def _judged(site: Installed, step: Step) -> bool:
    """Whether everything held while the step was done."""
    url = site.url(step.gateway)
    async with Load(url, _SHAPE, seed=step.name, issuer=site.issuer) as load:
        await load.wait_for_posts(_LOADED_FOR)
        began = time.monotonic()
        async with load.trouble(step.name, step.bound_s):
            await asyncio.to_thread(step.act, site)
        took_s = time.monotonic() - began
        await load.wait_for_posts(_LOADED_FOR)
        history = await load.finish()
    verdict = judge(history)
    print(f"{step.name}: {figures(history, took_s)}", flush=True)
    unseen = [promise for promise in _JUDGED if not verdict.ledger.judged[promise]]
    if verdict.broken or unseen:
        print(verdict.text(), flush=True)
    return not verdict.broken and not unseen


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {_MODULE}")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", help="a word of the steps that are done")
    parser.add_argument("--before", default=_BEFORE, help="an older commit with the same schema")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(_arguments(sys.argv[1:])))
