"""Prints the comments of a video as they come, without a line of asyncio.

python read.py https://comments.example.org launch-1
"""

from __future__ import annotations

import contextlib
import sys

from livecomments_client import Client, Comment, Event, Gap, Removed, Reset, StateChanged


def line_of(event: Event) -> str | None:
    """How an event is shown; None for what this reader does not show."""
    if isinstance(event, Comment):
        return f"{event.seq} {event.author}: {event.text}"
    if isinstance(event, Removed):
        return f"- removed: {', '.join(map(str, event.targets))}"
    if isinstance(event, Gap) and not event.filled:
        return f"- comments {event.first} to {event.last} are missing"
    if isinstance(event, Reset):
        return "- all of the above is void"
    if isinstance(event, StateChanged):
        return f"- {event.state} {event.reason}".rstrip()
    return None


def main(url: str, video_id: str) -> None:
    """Until it is interrupted."""
    with Client(url) as client:
        for event in client.video(video_id, history=50).events():
            if (line := line_of(event)) is not None:
                print(line, flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(*sys.argv[1:3])
