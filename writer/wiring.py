"""How a writer is connected with the rest of the system: the one place where topologies differ."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from service.shell import Shell
from wire.topology import PUBSUB
from writer.config import Config
from writer.sink import CommentSink
from writer.via_dispatchers import ViaDispatchers
from writer.via_redis import ViaRedis


class Wiring(Protocol):
    """Whom a writer hands comments over to, and how nodes find it."""

    @property
    def sink(self) -> CommentSink:
        """Where committed comments go. Its user starts and stops it."""

    @property
    def problems(self) -> Mapping[str, str | None]:
        """Each dependency that the wiring brings -> what is wrong with it, None if nothing."""

    async def start(self) -> None:
        """Connect, and learn what must be known before posts come. What forbids that this writer
        takes any ends the process, by `TaskHome.fail`.
        """

    async def announce(self, internal_port: int) -> None:
        """Let nodes find this writer, if that is how they find it."""

    async def withdraw(self) -> None:
        """Undo `announce`: no new reads come here. May take a second."""

    async def stop(self) -> None:
        """Release everything. Idempotent."""

    def describe(self) -> dict[str, Any]:
        """What /state tells of it."""


def wire_up(config: Config, shell: Shell, fetch_epoch: Callable[[], Awaitable[str]]) -> Wiring:
    """The wiring of the configured topology. `fetch_epoch`: as `CommentStore.epoch`."""
    if config.topology in PUBSUB:
        return ViaRedis(config, shell)
    return ViaDispatchers(config, shell, fetch_epoch)
