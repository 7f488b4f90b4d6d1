"""httpx-sse with asyncio. With `loop`: opened again, with the last id."""

import asyncio
import sys
import time

import httpx
from httpx_sse import aconnect_sse

url, *loop = sys.argv[1:]
headers = {}


async def watch() -> None:
    async with (
        httpx.AsyncClient() as client,
        aconnect_sse(client, "GET", url, headers=headers) as source,
    ):
        async for event in source.aiter_sse():
            event.json()  # of every event, as its README does: none may be without data
            if event.event == "comment":
                print(time.time_ns() // 1_000_000, event.data, flush=True)
            if event.id:
                headers["Last-Event-ID"] = event.id


async def main() -> None:
    if not loop:
        await watch()
    while loop:
        try:
            await watch()
        except httpx.TransportError as exc:
            print(repr(exc), file=sys.stderr)
        await asyncio.sleep(1)


asyncio.run(main())
