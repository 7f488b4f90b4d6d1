"""Both clients over HTTPS, with an httpx that knows the certificate authority."""

from __future__ import annotations

import asyncio
import secrets
import ssl

import httpx

from cluster.cluster import Cluster
from livecomments_client import AsyncClient, Client, Comment, Event, State, StateChanged
from tests.support import TIMEOUT_FACTOR, eventually

SMALL = True
TOPOLOGIES = ("single",)


async def test_streams_over_tls_are_read_and_closed_from_another_thread(cluster: Cluster) -> None:
    context = ssl.create_default_context(cafile=str(cluster.ca_file))
    video_id = secrets.token_hex(6)
    seen: list[Event] = []

    def read() -> None:
        for event in sync_video.events():
            seen.append(event)  # noqa: PERF402 - others look while it grows

    async with httpx.AsyncClient(verify=context) as http:
        with httpx.Client(verify=context) as sync_http:
            sync_video = Client(cluster.https_url, http=sync_http).video(video_id)
            async with AsyncClient(cluster.https_url, http=http) as client:
                video = client.video(video_id)
                reading = asyncio.create_task(asyncio.to_thread(read))
                await eventually(lambda: sync_video.state is State.LIVE)
                await video.post("hi", author="ann")
                async with video.events() as events:
                    async for event in events:
                        if isinstance(event, Comment):
                            break
                await eventually(lambda: any(isinstance(event, Comment) for event in seen))
                sync_video.close()
                await asyncio.wait_for(reading, 2.0 * TIMEOUT_FACTOR)
    assert seen[-1] == StateChanged(State.CLOSED, State.LIVE, "client")
