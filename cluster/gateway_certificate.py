"""Hands a running HAProxy each certificate that comes into its file, so that neither a restart nor
a reload is needed, and no stream ends.

Certificate and key may be two files, as in a Secret of Kubernetes; whoever reads them while they
are replaced may get two that do not match. HAProxy refuses these, and is asked again.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from cluster.errors import ClusterError
from cluster.servers.haproxy_socket import Control, replace_certificate

LOOKED_EVERY_S = 5.0


async def follow_certificate(
    certificate: Path,
    control: Control,
    tell: Callable[[str], object],
    every_s: float = LOOKED_EVERY_S,
) -> None:
    """Until cancelled. certificate: as HAProxy's configuration names it, with the key in it or in
    the file of that name and `.key`. What it holds at the beginning is handed over too.
    """
    known, failure = "", ""
    while True:
        try:
            pem = _read(certificate)
            if pem != known:
                await replace_certificate(control, str(certificate), pem)
                known, failure = pem, ""
                tell(f"{certificate}: HAProxy has it")
        except (OSError, UnicodeError, ClusterError) as exc:  # a time-out is an OSError
            known, before = "", failure
            failure = f"{certificate}: not now: {exc or type(exc).__name__}"
            if failure != before:
                tell(failure)
        await asyncio.sleep(every_s)


async def until_terminated(work: asyncio.Task[None]) -> None:
    """Ends with SIGTERM: the first process of a container must say so itself."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    await asyncio.wait([work])
    if not work.cancelled():
        work.result()


def _read(certificate: Path) -> str:
    key = certificate.with_name(f"{certificate.name}.key")
    files = [certificate, key] if key.exists() else [certificate]
    return "".join(f"{each.read_text().strip()}\n" for each in files)
