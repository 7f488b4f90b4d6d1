"""kazoo's client: its threads, and the parts of it that are private.

Invariants: kazoo calls back on threads of its own; what they say is put into the mailbox and
happens on the event loop. Nobody waits for kazoo on the loop. A client connects once and is closed
once; a session that needs another one makes another.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from kazoo.client import KazooClient as Kazoo
from kazoo.protocol.connection import _CONNECTION_DROP
from kazoo.protocol.states import EventType, KazooState, WatchedEvent
from kazoo.retry import KazooRetry

from coordination.kazoo_handler import KazooHandler
from coordination.multi_read import MultiRead
from coordination.remove_watches import RemoveWatches
from coordination.znode import Create, Operation
from service.mailbox import Mailbox

_MAX_BACK_OFF_S = 1.0
CONNECTED, LOST = KazooState.CONNECTED, KazooState.LOST

OnState = Callable[[str, int], None]  # one of KazooState, the session's id or 0
OnEvent = Callable[[str], None]  # the path of a watch event


class KazooClient:
    """One client of kazoo's; what it tells is told on the loop of `mailbox`.

    `kazoo` is the client itself: its `..._async` methods begin a request and never block.
    """

    def __init__(
        self, hosts: str, timeout_s: float, mailbox: Mailbox, on_state: OnState, on_event: OnEvent
    ) -> None:
        self._mailbox, self._on_state, self._on_event = mailbox, on_state, on_event
        self._watcher = self._event_came  # one object for all paths: kazoo keeps each it is given
        quiet = logging.getLogger("coordination.kazoo")
        quiet.setLevel(logging.ERROR)  # it tells of every attempt to connect; we tell of changes
        self.kazoo: Any = Kazoo(
            hosts,
            timeout=timeout_s,
            handler=KazooHandler(),
            connection_retry=KazooRetry(max_tries=-1, delay=0.05, max_delay=_MAX_BACK_OFF_S),
            logger=quiet,
        )
        self.kazoo.add_listener(self._state_changed)

    @property
    def connected(self) -> bool:
        """Whether requests can be sent, as far as kazoo knows."""
        return bool(self.kazoo.connected)

    @property
    def alive(self) -> bool:
        """Whether its thread still runs: it dies of a reply that it cannot understand, and nobody
        starts it again.
        """
        return bool(self.kazoo._connection._connection_routine.is_alive())

    def start(self) -> None:
        """Connect, again and again; returns at once."""
        self.kazoo.start_async()

    def watcher(self, watch: bool) -> Callable[[WatchedEvent], None] | None:
        """What kazoo wants as `watch` of a request that leaves a watch, or that does not."""
        return self._watcher if watch else None

    def carry_out(
        self, request: Callable[[KazooClient], Any], on_result: Callable[[Any], None]
    ) -> None:
        """Begin a request; `on_result` gets kazoo's IAsyncResult on the loop, when it is done.
        Raises what `request` raises.
        """
        request(self).rawlink(lambda result: self._mailbox.post(on_result, result))

    def begin_multi(self, operations: Sequence[Operation]) -> Any:
        """A transaction."""
        transaction = self.kazoo.transaction()
        for operation in operations:
            if isinstance(operation, Create):
                transaction.create(operation.path, operation.data, ephemeral=operation.ephemeral)
            else:
                transaction.delete(operation.path, operation.version)
        return transaction.commit_async()

    def begin_multi_read(self, paths: Sequence[str], *, children: bool) -> Any:
        """One request that reads all of `paths`."""
        return self.begin(MultiRead(tuple(paths), children))

    def begin_remove_watches(self, path: str) -> Any:
        """The end of our watches on a znode."""
        return self.begin(RemoveWatches(path, self.kazoo))

    def begin(self, request: Any) -> Any:
        """A request that kazoo does not have."""
        result = self.kazoo.handler.async_result()
        self.kazoo._call(request, result)
        return result

    def drop_connection(self) -> None:
        """Give the connection up, and connect again."""
        self.kazoo._call(_CONNECTION_DROP, self.kazoo.handler.async_result())

    def forget_what_was_seen(self) -> None:
        """A server refuses whoever has seen more than it has: for ever, if it began anew without
        its data. To be called when the session has expired: the next one is owed no more than that
        of a new process.
        """
        self.kazoo.last_zxid = 0

    def close(self) -> asyncio.Event:
        """Begin to close; the event is set on the loop when that is done."""
        closed = asyncio.Event()
        # A thread of its own: the loop's executor would be waited for when the process ends.
        threading.Thread(target=self._close, args=(closed,), daemon=True).start()
        return closed

    # On threads: hand over, nothing else.

    def _state_changed(self, state: str) -> None:
        known = self.kazoo.client_id
        self._mailbox.post(self._on_state, state, known[0] if known else 0)

    def _event_came(self, event: WatchedEvent) -> None:
        if event.type != EventType.NONE:
            self._mailbox.post(self._on_event, event.path)

    def _close(self, closed: asyncio.Event) -> None:
        try:
            self.kazoo.stop()
            self.kazoo.close()
        finally:
            self._mailbox.post(closed.set)
