"""The request that ends our watches on a znode (ZooKeeper 3.5+, opCode removeWatches).

kazoo does not have it, but takes any object of this shape as a request. kazoo keeps a table of
watchers beside the server's, and the entries there must go in the order of the replies, on the
thread that reads them: a watch that is left right after this one was removed is there to stay.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

_REMOVE_WATCHES = 18
_ANY_KIND = 3
_INT = struct.Struct("!i")


class RemoveWatches(NamedTuple):
    """The request, to be sent by `client`. It is refused if there is no watch: one that has just
    fired, for example.
    """

    path: str
    client: Any  # a KazooClient

    @property
    def type(self) -> int:
        """ZooKeeper's number of this request."""
        return _REMOVE_WATCHES

    def serialize(self) -> bytes:
        """The request as ZooKeeper reads it."""
        raw = self.path.encode()
        return _INT.pack(len(raw)) + raw + _INT.pack(_ANY_KIND)

    def deserialize(self, _reply: bytes, _offset: int) -> None:
        """The reply, which is empty. Called on kazoo's thread that reads replies and events, the
        only one that uses these tables.
        """
        self.client._child_watchers.pop(self.path, None)
        self.client._data_watchers.pop(self.path, None)
