"""Comments on live video: read them whole, in order, each once, and post them.

    async with AsyncClient("https://comments.example.org") as client:
        video = client.video("launch-1")
        async for event in video.events():
            if isinstance(event, Comment):
                print(event.author, event.text)

`Client` is the same for threads. See README.md.
"""

from livecomments_client._core.access import AsyncTokenSource, TokenSource
from livecomments_client._version import __version__
from livecomments_client.async_client import AsyncClient, AsyncEvents, AsyncModeration, AsyncVideo
from livecomments_client.errors import Closed, LiveCommentsError, Problem, Unreachable
from livecomments_client.events import (
    Comment,
    Entry,
    Event,
    Gap,
    Pinned,
    Removed,
    Reset,
    Restored,
    Sanctioned,
    Settings,
    SettingsChanged,
    State,
    StateChanged,
    Tombstone,
    Viewers,
)
from livecomments_client.models import (
    AuditCall,
    AuditPage,
    Decision,
    Filters,
    FilterTest,
    Held,
    HeldComment,
    Me,
    Page,
    Posted,
    Sanction,
    SanctionPage,
    Term,
)
from livecomments_client.sync_client import Client, Events, Moderation, Video

__all__ = [
    "AsyncClient",
    "AsyncEvents",
    "AsyncModeration",
    "AsyncTokenSource",
    "AsyncVideo",
    "AuditCall",
    "AuditPage",
    "Client",
    "Closed",
    "Comment",
    "Decision",
    "Entry",
    "Event",
    "Events",
    "FilterTest",
    "Filters",
    "Gap",
    "Held",
    "HeldComment",
    "LiveCommentsError",
    "Me",
    "Moderation",
    "Page",
    "Pinned",
    "Posted",
    "Problem",
    "Removed",
    "Reset",
    "Restored",
    "Sanction",
    "SanctionPage",
    "Sanctioned",
    "Settings",
    "SettingsChanged",
    "State",
    "StateChanged",
    "Term",
    "TokenSource",
    "Tombstone",
    "Unreachable",
    "Video",
    "Viewers",
    "__version__",
]
