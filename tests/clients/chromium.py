"""Opens a page of ours in Chromium and prints what its client shows it, with the page's times."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from tests.browser import running_browser

PAGES = "CLIENTS_PAGES"  # the origin of the pages
CERTIFICATE = "CLIENTS_CERTIFICATE"  # the gateway's


async def main(page: str, stream: str, mode: str = "") -> None:
    """Until it is told to end, or its parent is gone: Chromium ends with it."""
    task, parent = asyncio.current_task(), os.getppid()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        certificate = Path(os.environ[CERTIFICATE])
        async with running_browser(Path(folder) / "profile", certificate) as browser:
            address = f"{os.environ[PAGES]}/{page}.html?{mode}#{quote(stream, safe='')}"
            tab = await browser.open(address)
            while os.getppid() == parent:
                for at_ms, data in await tab.evaluate("seen.splice(0)"):
                    print(at_ms, data, flush=True)
                await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
