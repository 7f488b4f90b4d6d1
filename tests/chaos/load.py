"""A steady load on a cluster: comments at a fixed rate, viewers that resume, a moderator who
removes some of the comments and rules over some of the videos, somebody who asks how many watch;
all recorded.

One process carries it: viewers are raw protocols, posts go over a few keep-alive connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from cluster.cluster import Cluster
from tests.chaos.commenter import Commenter
from tests.chaos.event_source import Events, EventSource
from tests.chaos.history import History, Post, Trouble, Watch
from tests.chaos.members import members_of
from tests.chaos.moderator import Moderator
from tests.chaos.poller import Poller
from tests.chaos.ruler import Ruler
from tests.chaos.screened import SCREENED, Screened
from tests.chaos.traffic import MEMBERS, Intent, Shape, intent, video_of_viewer
from tests.support import TIMEOUT_FACTOR, eventually

# Posts under way; beyond that the load skips some. More would only be a second fault: clients that
# retry by the thousand while the system is trying to recover.
MOST_WAITING = 300
CONNECT_AT_ONCE = 50
_TICK_S = 0.01


class Load:
    """`async with Load.on(cluster, shape)` starts it; `finish` ends the run, returns its history.

    seed: decides every post; prefix: of the video ids, by chance if not given. issuer: the folder
    of a `DevelopmentIssuer` whose tokens count there; without one there is no moderator.
    """

    def __init__(
        self,
        url: str,
        shape: Shape | None = None,
        *,
        seed: str = "0",
        prefix: str = "",
        issuer: Path | None = None,
    ) -> None:
        self.shape = shape or Shape()
        self._seed = seed
        self._dice = random.Random(f"{seed}/churn")
        prefix = prefix or secrets.token_hex(3)
        self.videos = [f"{prefix}-{number}" for number in range(self.shape.videos)]
        self._posted_to = tuple(self.videos)  # the seed speaks of these; others may be added
        self.history = History()
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port = parts.hostname, parts.port
        self._ruled = issuer is not None and self.shape.rulings
        self._members = members_of(issuer, MEMBERS) if issuer is not None and self._ruled else []
        self._commenter = Commenter(self._host, self._port, self._members)
        self._moderator: Moderator | None = None
        self._ruler: Ruler | None = None
        if issuer is not None and (self.shape.removals or self._ruled):
            self._moderator = Moderator(self._commenter, issuer, self.history, seed)
            self.history.moderated = True
            if self._ruled:
                self._ruler = Ruler(self._commenter, self._moderator, self.history, self._members)
                self.history.ruled = True
        self._screened: Screened | None = None
        if issuer is not None and self.shape.screened:
            video_id = self.videos[min(SCREENED, len(self.videos) - 1)]
            self._screened = Screened(self._commenter, issuer, self.history, video_id, seed)
            self.history.screened = True
        self._events = Events()
        self._viewers: dict[Watch, asyncio.Task[None]] = {}
        self._posts: set[asyncio.Task[Post]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self.skipped = 0
        self.acked = 0

    @classmethod
    def on(
        cls,
        cluster: Cluster,
        shape: Shape | None = None,
        *,
        url: str = "",
        seed: str = "0",
        prefix: str = "",
    ) -> Load:
        """On a whole cluster, at its gateway if not at `url`; with a moderator."""
        issuer = cluster.folder.issuer
        return cls(url or cluster.http_url, shape, seed=seed, prefix=prefix, issuer=issuer)

    async def __aenter__(self) -> Load:
        for number in range(self.shape.viewers):
            self.watch(self.videos[video_of_viewer(number, self.shape)])
            if number % CONNECT_AT_ONCE == 0:
                await asyncio.sleep(_TICK_S)
        watches = self.history.watches
        await eventually(lambda: all(watch.place is not None for watch in watches), 30)
        if self._screened is not None:
            assert await self._screened.prepare()
        self.history.began_at = time.monotonic()
        self.history.wall_s = time.time() - self.history.began_at
        if self._ruler is not None:
            self._ruler.start(self._posted_to, self._seed)
        self._loops.append(asyncio.create_task(self._post_on()))
        if self._screened is not None:
            run = self._screened.run(self.shape.screened)
            self._loops.append(asyncio.create_task(run))
        self.history.counted = True
        poller = Poller(self._host, self._port, self.history, self._posted_to)
        self._loops.append(asyncio.create_task(poller.run()))
        if self.shape.churn_s:
            self._loops.append(asyncio.create_task(self._churn()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        tasks = [*self._loops, *self._posts, *self._viewers.values()]
        for task in tasks:
            task.cancel()
        if self._moderator is not None:
            tasks += self._moderator.cancel()
        if self._ruler is not None:
            tasks += self._ruler.cancel()
        if self._screened is not None:
            tasks += self._screened.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._commenter.close()

    def watch(self, video_id: str, cursor: str = "") -> Watch:
        """One more viewer, from now on."""
        self._know(video_id)
        watch = Watch(video_id, f"viewer {len(self.history.watches)}", cursor)
        self.history.watches.append(watch)
        query = f"?last_event_id={cursor}" if cursor else ""
        silence_s = self.shape.silence_s
        source = EventSource(
            self._host, self._port, watch, query, self._events, silence_s=silence_s
        )
        self._viewers[watch] = asyncio.create_task(source.run())
        return watch

    async def leave(self, watch: Watch) -> None:
        """This viewer closes its page."""
        watch.left_at = time.monotonic()
        task = self._viewers.pop(watch)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def post(self, video_id: str, text: str, author: str = "ann") -> Post:
        """One more comment, tried until it is acked or for 15 s; its text must be a new one. What
        became of it is in the history, as of all others.
        """
        self._know(video_id)
        wish = Intent(0, secrets.token_hex(8), author, text, 4.0, 15.0, again=False)
        return await self._post(video_id, wish)

    @asynccontextmanager
    async def trouble(
        self, name: str, bound_s: float, *, only_routes: bool = False
    ) -> AsyncIterator[None]:
        """What is done inside is a fault; `bound_s` after the end nothing may be observed of it.
        See Trouble for `only_routes`.
        """
        began_at = time.monotonic()
        yield
        ended_at = time.monotonic()
        bound_s *= TIMEOUT_FACTOR
        self.history.troubles.append(Trouble(name, began_at, ended_at, bound_s, only_routes))

    async def wait_for_posts(self, count: int, timeout_s: float = 30) -> None:
        """Wait until `count` more comments have been acknowledged. A run that is too slow has no
        load and must not count as passed: then this raises AssertionError.
        """
        target = self.acked + count
        await eventually(lambda: self.acked >= target, timeout_s)

    async def finish(self, settle_s: float = 20) -> History:
        """Stop posting and moderating, read what is stored, wait until every viewer has it."""
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self.history.ended_at = time.monotonic()
        await asyncio.gather(*self._posts)
        if self._screened is not None:
            await self._screened.finish()
        if self._ruler is not None:
            await self._ruler.finish()
        if self._moderator is not None:
            await self._moderator.finish()
        await self._read_logs(self.videos)
        await self._wait_all_seen(settle_s)
        # A call that its client had given up may have been carried out after the reading.
        ahead = {watch.video_id for watch in self._staying() if self._missing(watch) < 0}
        if ahead:
            await self._read_logs(ahead)
            await self._wait_all_seen(settle_s)
        self.history.looked_until = time.monotonic()
        return self.history

    async def _wait_all_seen(self, settle_s: float) -> None:
        with contextlib.suppress(AssertionError):  # the judge says who is missing what
            await eventually(self._all_seen, settle_s)

    def _all_seen(self) -> bool:
        return all(self._missing(watch) <= 0 for watch in self._staying())

    def _staying(self) -> Iterator[Watch]:
        return (watch for watch in self.history.watches if watch.left_at is None)

    def _missing(self, watch: Watch) -> int:
        """How many stored entries it has not seen; below 0: it has seen more."""
        return len(self.history.stored[watch.video_id]) - watch.head

    async def _churn(self) -> None:
        """Viewers of the quiet videos come and go, so that registrations do too."""
        quiet = self._posted_to[1:]
        while quiet:
            await asyncio.sleep(self.shape.churn_s)
            going = [watch for watch in self._viewers if watch.video_id in quiet]
            if going:
                await self.leave(self._dice.choice(going))
                self.watch(self._dice.choice(quiet))

    async def _post_on(self) -> None:
        began, count, last = time.monotonic(), 0, time.monotonic()
        while True:
            now = time.monotonic()
            self.history.lag_s = max(self.history.lag_s, now - last - _TICK_S)
            last = now
            due = int((now - began) * self.shape.rate)
            while count < due:
                count += 1
                if len(self._posts) >= MOST_WAITING:
                    self.skipped += 1
                    continue
                wish = intent(self._seed, count, self.shape)
                task = asyncio.create_task(self._post(self._posted_to[wish.video], wish))
                self._posts.add(task)
                task.add_done_callback(self._posts.discard)
            await asyncio.sleep(_TICK_S)

    async def _post(self, video_id: str, wish: Intent) -> Post:
        post = Post(video_id, wish.key, wish.author, wish.text, valid=not wish.extra)
        if self._members and wish.member is not None:
            member = self._members[wish.member]
            post.author, post.author_id = member.name, member.author_id
        self.history.posts.append(post)
        if await self._commenter.send(post, wish):
            self.acked += 1
            if wish.removed and self._moderator is not None:
                self._moderator.take(post, wish)
            elif self._ruler is not None:
                self._ruler.offer(post)
        return post

    def _know(self, video_id: str) -> None:
        """Its log is read at the end too."""
        if video_id not in self.videos:
            self.videos.append(video_id)

    async def _read_logs(self, video_ids: Iterable[str]) -> None:
        for video_id in video_ids:
            await self.read_log(video_id)

    async def read_log(self, video_id: str) -> None:
        """What is stored of a video by now goes into the history."""
        self.history.stored[video_id] = await self._commenter.read_log(video_id)
