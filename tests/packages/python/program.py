"""`program.py async|sync read|post URL VIDEO`: one client in a process of its own, for tests that
freeze it or move its clock. Reading prints every event, posting every comment that is stored, a
line of JSON each; both go on until they are killed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
import threading

from livecomments_client import AsyncClient, Client, Event, Posted

PACE_S = 0.05
PATIENCE_S = 600.0


def tell(kind: str, said: object) -> None:
    print(json.dumps({"kind": kind, "said": said}, default=str), flush=True)


def tell_event(event: Event) -> None:
    tell(type(event).__name__, dataclasses.asdict(event))


def read(url: str, video_id: str) -> None:
    with Client(url) as client:
        for event in client.video(video_id).events():
            tell_event(event)


def post(url: str, video_id: str) -> None:
    with Client(url) as client:
        video, number = client.video(video_id), 0
        while not threading.Event().wait(PACE_S):
            number += 1
            posted = video.post(f"sync program {number}", author="ann", timeout=PATIENCE_S)
            assert isinstance(posted, Posted)
            tell("Posted", dataclasses.asdict(posted.comment))


async def read_async(url: str, video_id: str) -> None:
    async with AsyncClient(url) as client:
        async for event in client.video(video_id).events():
            tell_event(event)


async def post_async(url: str, video_id: str) -> None:
    async with AsyncClient(url) as client:
        video, number = client.video(video_id), 0
        while True:
            await asyncio.sleep(PACE_S)
            number += 1
            posted = await video.post(f"async program {number}", author="ann", timeout=PATIENCE_S)
            assert isinstance(posted, Posted)
            tell("Posted", dataclasses.asdict(posted.comment))


def main(kind: str, verb: str, url: str, video_id: str) -> None:
    if kind == "async":
        asyncio.run({"read": read_async, "post": post_async}[verb](url, video_id))
    else:
        {"read": read, "post": post}[verb](url, video_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
