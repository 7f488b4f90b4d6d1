"""What can be asked of ZooKeeper, each as one request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from coordination.errors import NodeExists, NoNode, NoWatch
from coordination.kazoo_client import KazooClient
from coordination.translate import refusal, stat_of
from coordination.znode import Operation, Stat

MAX_MULTI = 1_000  # operations of one request; ZooKeeper refuses requests of 1 MB


class ZnodeRequests(ABC):
    """Requests raise NotSent, OutcomeUnknown or a Refused. It has no state of its own."""

    @abstractmethod
    async def _request(self, request: Callable[[KazooClient], Any]) -> Any:
        """Send a request, return what ZooKeeper answers."""

    async def exists(self, path: str, *, watch: bool = False) -> Stat | None:
        """What the znode is like, None if there is none. The watch also sees it being created."""
        found = await self._request(
            lambda client: client.kazoo.exists_async(path, client.watcher(watch))
        )
        return None if found is None else stat_of(found)

    async def get(self, path: str, *, watch: bool = False) -> tuple[bytes, Stat]:
        """The data of a znode; raises NoNode (and then leaves no watch)."""
        data, found = await self._request(
            lambda client: client.kazoo.get_async(path, client.watcher(watch))
        )
        return data, stat_of(found)

    async def get_children(self, path: str, *, watch: bool = False) -> list[str]:
        """Names below a znode; raises NoNode (and then leaves no watch)."""
        names: list[str] = await self._request(
            lambda client: client.kazoo.get_children_async(path, client.watcher(watch))
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
            await self._request(lambda client: client.begin_remove_watches(path))

    async def create(self, path: str, data: bytes = b"", *, ephemeral: bool = False) -> None:
        """Make a znode; raises NodeExists, or NoNode when its parent is missing."""
        await self._request(
            lambda client: client.kazoo.create_async(path, data, ephemeral=ephemeral)
        )

    async def delete(self, path: str, version: int = -1) -> None:
        """Remove a znode; raises NoNode, NotEmpty, BadVersion."""
        await self._request(lambda client: client.kazoo.delete_async(path, version))

    async def multi(self, operations: Sequence[Operation]) -> None:
        """Do all of `operations` or none; raises MultiRefused."""
        refused = refusal(await self._request(lambda client: client.begin_multi(operations)))
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

    async def _multi_read(self, paths: Sequence[str], *, children: bool) -> Any:
        if len(paths) > MAX_MULTI:
            raise ValueError(f"{len(paths)} paths in one request")
        return await self._request(lambda client: client.begin_multi_read(paths, children=children))
