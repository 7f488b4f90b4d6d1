"""The life of a process's one ZooKeeper session: start, states, who is told of them, stop.

Invariants: everybody lives on the event loop, and nobody waits for kazoo there (`kazoo_client.py`).
When a connection goes, all that is in flight ends (`requests_in_flight.py`), and watches do not
outlive it either: kazoo forgets them, so whoever watches reads again in `on_connected`. What time
alone tells is decided by `watchdog.py` and done here. A client whose thread has died is replaced;
that is a new session like any other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

import structlog

from coordination.errors import ZooKeeperAway
from coordination.kazoo_client import CONNECTED, LOST, KazooClient
from coordination.requests_in_flight import RequestsInFlight
from coordination.watchdog import Action, Watchdog
from coordination.znode_requests import ZnodeRequests
from service.mailbox import Mailbox

log = structlog.get_logger()

STOP_WITHIN_S = 3.0


class _State(Enum):
    CONNECTED = "connected"
    SUSPENDED = "suspended"  # lost, but not for long enough to say so
    AWAY = "away"  # lost for longer, or never had
    STOPPED = "stopped"


@dataclass(slots=True)
class SessionStats:
    """Counters since the start."""

    sessions: int = 0
    suspensions: int = 0  # connections lost
    drops: int = 0  # connections that were cut because nothing was answered
    events: int = 0  # of watches


@dataclass(slots=True)
class _Listeners:
    connected: list[Callable[[bool], None]] = field(default_factory=list)
    suspended: list[Callable[[], None]] = field(default_factory=list)
    away: list[Callable[[], None]] = field(default_factory=list)
    events: list[tuple[str, Callable[[str], None]]] = field(default_factory=list)


class ZooKeeperSession(ZnodeRequests):
    """Everything here is called, and calls back, on the event loop. Listeners must return at once.

    Requests fail at once while there is no connection; see RequestsInFlight for their bound.

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
        names = hosts if isinstance(hosts, str) else ",".join(hosts)
        self._new_client = partial(
            KazooClient,
            names,
            session_timeout_s,
            on_state=self._state_changed,
            on_event=self._event_came,
        )
        self._client: KazooClient | None = None
        self._requests = RequestsInFlight(self._connection)
        self._watchdog = Watchdog(
            session_timeout_s, session_timeout_s / 3 if away_after_s is None else away_after_s
        )
        self._timer: asyncio.TimerHandle | None = None
        self._listeners = _Listeners()
        self._state = _State.AWAY
        self._session_id = 0
        self._first_session = asyncio.Event()
        self.stats = SessionStats()

    @property
    def connected(self) -> bool:
        """Whether requests can be sent now."""
        return self._connection() is not None

    @property
    def state(self) -> str:
        """Either "connected" or "away"; a cut shorter than `away_after_s` counts as connected."""
        connected = self._state in (_State.CONNECTED, _State.SUSPENDED)
        return "connected" if connected else "away"

    @property
    def session_id(self) -> int:
        """The session, 0 before the first one."""
        return self._session_id

    @property
    def in_flight(self) -> int:
        """How many requests wait for ZooKeeper's reply."""
        return len(self._requests)

    def on_connected(self, callback: Callable[[bool], None]) -> None:
        """Call `callback(new_session)` after every (re)connection."""
        self._listeners.connected.append(callback)

    def on_suspended(self, callback: Callable[[], None]) -> None:
        """Call `callback()` each time the connection is lost."""
        self._listeners.suspended.append(callback)

    def on_away(self, callback: Callable[[], None]) -> None:
        """Call `callback()` when the connection has been lost for `away_after_s` seconds."""
        self._listeners.away.append(callback)

    def on_event(self, prefix: str, callback: Callable[[str], None]) -> None:
        """Call `callback(path)` for each watch event of a path that starts with `prefix`."""
        self._listeners.events.append((prefix, callback))

    async def start(self, timeout_s: float | None = None) -> None:
        """Connect; returns when the first session exists. Waits for ever by default (cancellable);
        with `timeout_s`, raises ZooKeeperAway after it and goes on connecting.
        """
        if self._client is None and self._state is not _State.STOPPED:
            self._mailbox = Mailbox(asyncio.get_running_loop())
            self._start_client()
            self._watchdog.start(time.monotonic())
            self._set_timer()
        try:
            async with asyncio.timeout(timeout_s):
                await self._first_session.wait()
        except TimeoutError as exc:
            raise ZooKeeperAway(f"no session within {timeout_s} s") from exc

    async def stop(self) -> None:
        """Close the session, which removes its ephemeral znodes at once. Idempotent; takes at most
        STOP_WITHIN_S, also when ZooKeeper does not answer.
        """
        self._state = _State.STOPPED
        client, self._client = self._client, None
        if client is None:
            return
        self._cancel_timer()
        closed = client.close()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await closed.wait()
        except TimeoutError:
            log.warning("zookeeper_close_abandoned", after_s=STOP_WITHIN_S)
        self._requests.connection_lost()

    async def _request(self, request: Callable[[KazooClient], Any]) -> Any:
        return await self._requests.carry_out(request)

    def _connection(self) -> KazooClient | None:
        """The client, while requests can be sent; kazoo may know of a loss before we are told."""
        client = self._client
        usable = client is not None and self._state is _State.CONNECTED and client.connected
        return client if usable else None

    def _start_client(self) -> None:
        self._client = self._new_client(self._mailbox)
        self._client.start()

    # What kazoo says.

    def _event_came(self, path: str) -> None:
        self.stats.events += 1
        for prefix, callback in self._listeners.events:
            if path.startswith(prefix):
                callback(path)

    def _state_changed(self, state: str, session_id: int) -> None:
        if self._state is _State.STOPPED:
            return
        if state == CONNECTED:
            self._came_back(session_id)
        else:  # SUSPENDED, or LOST, which kazoo only learns by reconnecting
            self._was_lost(state)

    def _came_back(self, session_id: int) -> None:
        new_session = session_id != self._session_id
        self._session_id = session_id
        self.stats.sessions += new_session
        self._state = _State.CONNECTED
        self._watchdog.connected()
        self._set_timer()
        self._first_session.set()
        log.info("zookeeper_connected", session=f"{session_id:x}", new_session=new_session)
        for callback in self._listeners.connected:
            callback(new_session)

    def _was_lost(self, state: str) -> None:
        self._requests.connection_lost()
        log.info("zookeeper_lost" if state == LOST else "zookeeper_suspended")
        if self._state is _State.CONNECTED:
            self._state = _State.SUSPENDED
            self.stats.suspensions += 1
            self._watchdog.lost(time.monotonic())
            self._set_timer()
            for callback in self._listeners.suspended:
                callback()

    # What time says.

    def _set_timer(self) -> None:
        self._cancel_timer()
        delay_s = max(self._watchdog.next_at - time.monotonic(), 0.0)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._time_came)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_came(self) -> None:
        assert self._client is not None, "the timer ends with the client"
        now, oldest = time.monotonic(), self._requests.oldest
        actions = self._watchdog.due(now, client_alive=self._client.alive, oldest=oldest)
        self._set_timer()
        for action in actions:
            self._act(action, self._client)

    def _act(self, action: Action, client: KazooClient) -> None:
        match action:
            case Action.REPLACE_CLIENT:
                log.error("zookeeper_client_died")
                client.close()
                self._start_client()
            case Action.DROP_CONNECTION:
                self.stats.drops += 1
                log.warning("zookeeper_not_answering", in_flight=self.in_flight)
                client.drop_connection()
            case Action.EXPIRE:
                client.forget_what_was_seen()
            case Action.GO_AWAY:
                self._state = _State.AWAY
                log.warning("zookeeper_away", after_s=self._watchdog.away_after_s)
                for callback in self._listeners.away:
                    callback()
