"""aiohttp-sse-client2. With `loop`: a new EventSource for each exception, without a total limit."""

import asyncio
import sys
import time

import aiohttp
from aiohttp_sse_client2.client import EventSource
from multidict import CIMultiDict

url, *loop = sys.argv[1:]


async def main() -> None:
    headers = CIMultiDict()  # EventSource writes its own last id into it too
    options = {"headers": headers, "timeout": aiohttp.ClientTimeout(total=None)} if loop else {}
    while True:
        try:
            async with EventSource(url, **options) as source:
                async for event in source:
                    if event.type == "comment":
                        print(time.time_ns() // 1_000_000, event.data, flush=True)
                    headers["Last-Event-ID"] = event.last_event_id
        except (aiohttp.ClientError, ConnectionError) as exc:
            print(repr(exc), file=sys.stderr)
            if not loop:
                raise
        await asyncio.sleep(1)


asyncio.run(main())
