"""`python -m tests.clients [--available] [word in a client's name or language...]`: see
docs/clients.md.

Exit status: 0 every client is as whole as the catalogue says, 1 not, 2 something cannot be
installed. With `--available` the languages of which something cannot be installed are left out, and
the last lines say which and why.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.cluster import Cluster
from cluster.folder import home_folder
from cluster.ports import free_ports
from cluster.settings import Settings
from tests.clients import chromium
from tests.clients.catalogue import CLIENTS, Client
from tests.clients.install import install
from tests.clients.judge import Finding
from tests.clients.pages import serving_pages
from tests.clients.scenarios import SCENARIOS, Stage, play
from tests.clients.table import promised, table

_FOLDER = ".clients"  # no cluster can have a name that begins so
_NODES = {"DRAIN_NOTICE_S": "1.5", "DRAIN_WINDOW_S": "2"}


def main(words: Sequence[str], *, available: bool) -> int:
    clients = [one for one in CLIENTS if not words or _is_meant(one, words)]
    built = home_folder(os.environ) / _FOLDER
    lacking = install(sorted({one.language for one in clients}), built)
    clients = [one for one in clients if one.language not in lacking]
    if lacking and not available:
        _tell(lacking)
        return 2
    findings = asyncio.run(_run(clients, built)) if clients else {}
    print(table(clients, findings, built))
    broken = [
        name
        for name in promised(clients, built)
        if not all(found[name].whole for found in findings.values())
    ]
    for name in broken:
        print(f"not whole, although docs/clients.md says so: {name}")
    _tell(lacking)
    return 1 if broken else 0


def _tell(lacking: Mapping[str, str]) -> None:
    for language, why in lacking.items():
        print(f"NOT RUN, because it cannot be installed: clients in {language}: {why}")


def _is_meant(client: Client, words: Sequence[str]) -> bool:
    return any(word.lower() in f"{client.name} {client.language}".lower() for word in words)


async def _run(clients: Sequence[Client], built: Path) -> dict[str, Mapping[str, Finding]]:
    """What was found in each scenario, by the name of the way."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    (port,) = free_ports(1)
    environment = {"all": {"CORS_ORIGINS": f"http://127.0.0.1:{port}"}, "node": _NODES}
    settings = Settings("clients", environment=environment)
    await Cluster.create(settings).clean()  # of a run that was broken off
    cluster = Cluster.create(settings)
    try:
        await cluster.up()
        async with serving_pages(built / "javascript", port) as origin:
            certificate = str(cluster.folder.gateway / "cert.pem")
            variables = {
                chromium.PAGES: origin,
                chromium.CERTIFICATE: certificate,
                "SSL_CERT_FILE": str(cluster.ca_file),  # for Go
            }
            ways = [way for client in clients for way in client.ways(built)]
            stage = Stage(cluster, ways, variables, built / "logs")
            return {name: await _told(stage, name) for name in SCENARIOS}
    finally:
        await cluster.clean()


async def _told(stage: Stage, scenario: str) -> dict[str, Finding]:
    print(f"{scenario} ...", file=sys.stderr, flush=True)
    return await play(stage, scenario)


_AVAILABLE = "--available"
sys.exit(
    main([word for word in sys.argv[1:] if word != _AVAILABLE], available=_AVAILABLE in sys.argv)
)
