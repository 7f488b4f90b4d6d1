"""The one ZooKeeper session of a process. No other file of this package crosses threads.

Invariants: kazoo calls back on threads of its own; what they say is put into a mailbox and happens
on the event loop, so everybody else lives on the loop alone. Nobody waits for kazoo on the loop. A
reply never outlives its connection: when the connection goes, every request in flight ends with
OutcomeUnknown, whatever may still come for it. Watches do not outlive it either (kazoo forgets
them), and their NONE events are dropped here: whoever watches reads again in `on_connected`. A
client whose thread has died is replaced; that is a new session like any other.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from kazoo.client import KazooClient
from kazoo.protocol.connection import _CONNECTION_DROP
from kazoo.protocol.states import EventType, KazooState, WatchedEvent
from kazoo.retry import KazooRetry

from coordination.errors import (
    CoordinationError,
    NodeExists,
    NoNode,
    NotSent,
    NoWatch,
    OutcomeUnknown,
    ZooKeeperAway,
)
from coordination.kazoo_handler import KazooHandler
from coordination.mailbox import Mailbox
from coordination.multi_read import MultiRead
from coordination.remove_watches import RemoveWatches
from coordination.translate import refusal, stat_of, translated
from coordination.znode import Create, Operation, Stat

log = structlog.get_logger()

# kazoo writes one byte into a blocking socket pair per request, and while it has no connection
# nobody reads them: the pair holds 278, the next request would freeze the loop.
MAX_IN_FLIGHT = 128
MAX_MULTI = 1_000  # operations of one request; ZooKeeper refuses requests of 1 MB
STOP_WITHIN_S = 3.0
_MAX_BACK_OFF_S = 1.0


class ZooKeeperSession:
    """One kazoo client. Everything here is called, and calls back, on the event loop.

    Requests raise NotSent, OutcomeUnknown or a Refused; they never block the loop, and fail at once
    while there is no connection. At most MAX_IN_FLIGHT are sent at a time, the others wait.

    `away_after_s` (a third of the session timeout by default) is how long a connection may be lost
    before `state` says "away": a server that restarts quickly makes no noise, and a cut is known
    long before kazoo can tell that the session has expired.
    """

    def __init__(
        self,
        hosts: str | Sequence[str],
        *,
        session_timeout_s: float = 6.0,
        away_after_s: float | None = None,
    ) -> None:
        self._hosts = hosts if isinstance(hosts, str) else ",".join(hosts)
        self._timeout_s = session_timeout_s
        self._away_after_s = session_timeout_s / 3 if away_after_s is None else away_after_s
        self._client: Any = None
        self._connected = False
        self._away = True
        self._session_id = 0
        self._first_session = asyncio.Event()
        self._gate = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._in_flight: dict[int, tuple[asyncio.Future[Any], float]] = {}
        self._numbers = itertools.count()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._connected_callbacks: list[Callable[[bool], None]] = []
        self._suspended_callbacks: list[Callable[[], None]] = []
        self._away_callbacks: list[Callable[[], None]] = []
        self._event_callbacks: list[tuple[str, Callable[[str], None]]] = []
        self._watcher = self._on_watch  # one object for all paths: kazoo keeps each it is given
        self.sessions = 0
        self.suspensions = 0
        self.events = 0
        self.drops = 0

    @property
    def connected(self) -> bool:
        """Whether requests can be sent now."""
        return self._connected and bool(self._client.connected)

    @property
    def state(self) -> str:
        """Either "connected" or "away"; a cut shorter than `away_after_s` counts as connected."""
        return "away" if self._away else "connected"

    @property
    def session_id(self) -> int:
        """The session, 0 before the first one."""
        return self._session_id

    @property
    def in_flight(self) -> int:
        """How many requests wait for ZooKeeper's reply."""
        return len(self._in_flight)

    def on_connected(self, callback: Callable[[bool], None]) -> None:
        """Call `callback(new_session)` after every (re)connection."""
        self._connected_callbacks.append(callback)

    def on_suspended(self, callback: Callable[[], None]) -> None:
        """Call `callback()` each time the connection is lost."""
        self._suspended_callbacks.append(callback)

    def on_away(self, callback: Callable[[], None]) -> None:
        """Call `callback()` when the connection has been lost for `away_after_s` seconds."""
        self._away_callbacks.append(callback)

    def on_event(self, prefix: str, callback: Callable[[str], None]) -> None:
        """Call `callback(path)` for each watch event of a path that starts with `prefix`."""
        self._event_callbacks.append((prefix, callback))

    async def start(self, timeout_s: float | None = None) -> None:
        """Connect; returns when the first session exists. Waits for ever by default (cancellable);
        with `timeout_s`, raises ZooKeeperAway after it and goes on connecting.
        """
        if self._client is None:
            self._loop = asyncio.get_running_loop()
            self._mailbox = Mailbox(self._loop.call_soon_threadsafe, self._loop.call_soon)
            self._start_client()
            self._arm("watchdog", self._timeout_s / 6, self._watch_over)
        try:
            async with asyncio.timeout(timeout_s):
                await self._first_session.wait()
        except TimeoutError as exc:
            raise ZooKeeperAway(f"no session within {timeout_s} s") from exc

    async def stop(self) -> None:
        """Close the session, which removes its ephemeral znodes at once. Idempotent; takes at most
        STOP_WITHIN_S, also when ZooKeeper does not answer.
        """
        client, self._client = self._client, _Stopped()
        if client is None or isinstance(client, _Stopped):
            return
        for timer in self._timers.values():
            timer.cancel()
        closed = self._begin_to_close(client)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await closed.wait()
        except TimeoutError:
            log.warning("zookeeper_close_abandoned", after_s=STOP_WITHIN_S)
        self._connected, self._away = False, True
        self._end_in_flight()

    async def exists(self, path: str, *, watch: bool = False) -> Stat | None:
        """What the znode is like, None if there is none. The watch also sees it being created."""
        watcher = self._watcher if watch else None
        found = await self._request(lambda: self._client.exists_async(path, watcher))
        return None if found is None else stat_of(found)

    async def get(self, path: str, *, watch: bool = False) -> tuple[bytes, Stat]:
        """The data of a znode; raises NoNode (and then leaves no watch)."""
        watcher = self._watcher if watch else None
        data, found = await self._request(lambda: self._client.get_async(path, watcher))
        return data, stat_of(found)

    async def get_children(self, path: str, *, watch: bool = False) -> list[str]:
        """Names below a znode; raises NoNode (and then leaves no watch)."""
        watcher = self._watcher if watch else None
        names: list[str] = await self._request(
            lambda: self._client.get_children_async(path, watcher)
        )
        return names

    async def get_many(self, paths: Sequence[str]) -> list[tuple[bytes, Stat] | None]:
        """Data and state of each of `paths`, None where there is no znode. One request, no watch;
        at most MAX_MULTI paths.
        """
        found: list[tuple[bytes, Stat] | None] = await self._multi_read(paths, children=False)
        return found

    async def get_children_of_many(self, paths: Sequence[str]) -> list[list[str] | None]:
        """Names below each of `paths`, None where there is no znode. One request, no watch; at most
        MAX_MULTI paths.
        """
        found: list[list[str] | None] = await self._multi_read(paths, children=True)
        return found

    async def remove_watches(self, path: str) -> None:
        """End our watches on a znode, whichever there are. A watch that is asked for later is not
        touched.
        """
        with suppress(NoWatch):
            await self._request(lambda: self._send(RemoveWatches(path, self._client)))

    async def create(self, path: str, data: bytes = b"", *, ephemeral: bool = False) -> None:
        """Make a znode; raises NodeExists, or NoNode when its parent is missing."""
        await self._request(lambda: self._client.create_async(path, data, ephemeral=ephemeral))

    async def delete(self, path: str, version: int = -1) -> None:
        """Remove a znode; raises NoNode, NotEmpty, BadVersion."""
        await self._request(lambda: self._client.delete_async(path, version))

    async def multi(self, operations: Sequence[Operation]) -> None:
        """Do all of `operations` or none; raises MultiRefused."""
        refused = refusal(await self._request(lambda: self._send_multi(operations)))
        if refused is not None:
            raise refused

    async def ensure_path(self, path: str) -> None:
        """Make a persistent znode and all above it, as far as they are missing."""
        try:
            await self.create(path)
        except NodeExists:
            return
        except NoNode:
            await self.ensure_path(path.rpartition("/")[0])
            await self.ensure_path(path)

    def _start_client(self) -> None:
        self._client = self._new_client()
        self._client.add_listener(self._on_state)
        self._client.start_async()

    def _new_client(self) -> Any:
        quiet = logging.getLogger("coordination.kazoo")
        quiet.setLevel(logging.ERROR)  # it tells of every attempt to connect; we tell of changes
        return KazooClient(
            self._hosts,
            timeout=self._timeout_s,
            handler=KazooHandler(),
            connection_retry=KazooRetry(max_tries=-1, delay=0.05, max_delay=_MAX_BACK_OFF_S),
            logger=quiet,
        )

    def _begin_to_close(self, client: Any) -> asyncio.Event:
        closed = asyncio.Event()
        # A thread of its own: the loop's executor would be waited for when the process ends.
        threading.Thread(target=self._close, args=(client, closed), daemon=True).start()
        return closed

    def _send_multi(self, operations: Sequence[Operation]) -> Any:
        transaction = self._client.transaction()
        for operation in operations:
            if isinstance(operation, Create):
                transaction.create(operation.path, operation.data, ephemeral=operation.ephemeral)
            else:
                transaction.delete(operation.path, operation.version)
        return transaction.commit_async()

    async def _multi_read(self, paths: Sequence[str], *, children: bool) -> Any:
        if len(paths) > MAX_MULTI:
            raise ValueError(f"{len(paths)} paths in one request")

        return await self._request(lambda: self._send(MultiRead(tuple(paths), children)))

    def _send(self, request: Any) -> Any:
        """A request that kazoo does not have."""
        result = self._client.handler.async_result()
        self._client._call(request, result)
        return result

    async def _request(self, send: Callable[[], Any]) -> Any:
        async with self._gate:
            if self._client is None or not self.connected:
                raise NotSent("no connection")
            future: asyncio.Future[Any] = self._loop.create_future()
            number = next(self._numbers)
            self._in_flight[number] = (future, time.monotonic())
            try:
                send().rawlink(lambda result: self._mailbox.post(_settle, future, result))
                return await future
            except CoordinationError:
                raise
            except Exception as exc:  # also of a reply that kazoo or we cannot read
                raise translated(exc) from exc
            finally:
                del self._in_flight[number]

    def _end_in_flight(self) -> None:
        for future, _ in self._in_flight.values():
            if not future.done():
                future.set_exception(OutcomeUnknown("the connection was lost"))

    # On kazoo's threads: hand over, nothing else.

    def _on_state(self, state: str) -> None:
        known = self._client.client_id
        self._mailbox.post(self._state_changed, state, known[0] if known else 0)

    def _on_watch(self, event: WatchedEvent) -> None:
        if event.type != EventType.NONE:
            self._mailbox.post(self._event_came, event.path)

    def _close(self, client: Any, closed: asyncio.Event) -> None:
        try:
            client.stop()
            client.close()
        finally:
            self._mailbox.post(closed.set)

    # On the loop again.

    def _event_came(self, path: str) -> None:
        self.events += 1
        for prefix, callback in self._event_callbacks:
            if path.startswith(prefix):
                callback(path)

    def _state_changed(self, state: str, session_id: int) -> None:
        if isinstance(self._client, _Stopped):
            return
        if state == KazooState.CONNECTED:
            self._came_back(session_id)
        else:  # SUSPENDED, or LOST, which kazoo only learns by reconnecting
            self._went_away(state)

    def _came_back(self, session_id: int) -> None:
        new_session = session_id != self._session_id
        self._session_id = session_id
        self.sessions += new_session
        self._connected, self._away = True, False
        self._disarm("away")
        self._disarm("begin anew")
        self._first_session.set()
        log.info("zookeeper_connected", session=f"{session_id:x}", new_session=new_session)
        for callback in self._connected_callbacks:
            callback(new_session)

    def _went_away(self, state: str) -> None:
        was_connected, self._connected = self._connected, False
        self._end_in_flight()
        log.info("zookeeper_lost" if state == KazooState.LOST else "zookeeper_suspended")
        if was_connected:
            self.suspensions += 1
            self._arm("begin anew", self._timeout_s, self._forget_what_was_seen)
            self._arm("away", self._away_after_s, self._is_away)
            for callback in self._suspended_callbacks:
                callback()

    def _is_away(self) -> None:
        self._away = True
        log.warning("zookeeper_away", after_s=self._away_after_s)
        for callback in self._away_callbacks:
            callback()

    def _forget_what_was_seen(self) -> None:
        """A server refuses whoever has seen more than it has, for ever if it began anew without its
        data. By now the session has expired, and a new one is owed no more than a new process.
        """
        self._client.last_zxid = 0

    def _watch_over(self, suspect: int | None = None) -> None:
        """Cut a connection on which nothing is answered, and replace a client that has died.

        kazoo pings only when it has nothing to send: a busy client on a blackholed server would
        never notice. The oldest request must be found too old twice, else a process that was itself
        stopped for a while would blame ZooKeeper for replies that wait in the mailbox.
        """
        if not self._client._connection._connection_routine.is_alive():
            self._replace_client()
        number, (_, sent_at) = next(iter(self._in_flight.items()), (None, (None, 0.0)))
        overdue = number is not None and time.monotonic() - sent_at > self._timeout_s * 2 / 3
        if overdue and number == suspect:
            self.drops += 1
            log.warning("zookeeper_not_answering", in_flight=len(self._in_flight))
            self._client._call(_CONNECTION_DROP, self._client.handler.async_result())
        next_suspect = number if overdue else None
        self._arm("watchdog", self._timeout_s / 6, lambda: self._watch_over(next_suspect))

    def _replace_client(self) -> None:
        # kazoo's thread dies of a reply that it cannot understand, and nobody starts it again.
        log.error("zookeeper_client_died")
        self._begin_to_close(self._client)
        self._start_client()

    def _arm(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        self._disarm(name)
        self._timers[name] = self._loop.call_later(delay_s, call)

    def _disarm(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


class _Stopped:
    connected = False
    client_id = None


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():
        return
    if result.successful():
        future.set_result(result.value)
    else:
        future.set_exception(result.exception)
