"""One request that reads many znodes (ZooKeeper 3.6+, opCode multiRead).

kazoo does not have it, but takes any object of this shape as a request. Measured: 80,000 znodes a
second in requests of 250, against 2,000 one by one, where kazoo's own work per request is the
limit. It can leave no watch: the server drops the flag.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from coordination.znode import Stat

_MULTI_READ = 22
_GET_DATA = 4
_GET_CHILDREN = 8
_ERROR = -1
_NO_NODE = -101
_HEADER = struct.Struct("!i?i")  # type of the operation, whether this is the end, error
_INT = struct.Struct("!i")
# czxid, mzxid, ctime, mtime, version, cversion, aversion, owner, length, children, pzxid
_STAT = struct.Struct("!qqqqiiiqiiq")
_END = _HEADER.pack(-1, True, -1)

Data = tuple[bytes, Stat]
Result = list[str] | Data | None


class MultiReadError(Exception):
    """The reply cannot be understood, or an operation failed for another reason than NoNode."""


class MultiRead(NamedTuple):
    """The request; its reply is a list in the order of `paths`: the names of the children, or
    (`children` false) data and state; None where there is no znode.
    """

    paths: tuple[str, ...]
    children: bool

    @property
    def type(self) -> int:
        """ZooKeeper's number of this request."""
        return _MULTI_READ

    def serialize(self) -> bytes:
        """The request as ZooKeeper reads it."""
        header = _HEADER.pack(_GET_CHILDREN if self.children else _GET_DATA, False, -1)
        parts: list[bytes] = []
        for path in self.paths:
            raw = path.encode()
            parts += (header, _INT.pack(len(raw)), raw, b"\0")  # the zero: no watch
        return b"".join(parts) + _END

    @staticmethod
    def deserialize(reply: bytes, offset: int) -> list[Result]:
        """The reply; raises MultiReadError."""
        try:
            return _Reply(reply, offset).results()
        except (struct.error, UnicodeDecodeError) as exc:
            raise MultiReadError("malformed reply") from exc


class _Reply:
    def __init__(self, raw: bytes, offset: int) -> None:
        self._raw = raw
        self._offset = offset

    def results(self) -> list[Result]:
        found: list[Result] = []
        while True:
            kind, done, _ = self._unpack(_HEADER)
            if done:
                return found
            found.append(self._result(kind))

    def _result(self, kind: int) -> Result:
        if kind == _GET_CHILDREN:
            return [self._buffer().decode() for _ in range(self._number())]
        if kind == _GET_DATA:
            data, stat = self._buffer(), self._unpack(_STAT)
            return data, Stat(owner=stat[7], version=stat[4], children=stat[9], created=stat[0])
        error = self._number()
        if kind != _ERROR or error != _NO_NODE:
            raise MultiReadError(f"operation {kind}, error {error}")
        return None

    def _unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        values = layout.unpack_from(self._raw, self._offset)
        self._offset += layout.size
        return values

    def _number(self) -> int:
        return self._unpack(_INT)[0]

    def _buffer(self) -> bytes:
        length = max(self._number(), 0)  # -1 stands for "no data"
        start, self._offset = self._offset, self._offset + length
        return bytes(self._raw[start : self._offset])
