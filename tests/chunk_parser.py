"""The chunked coding of HTTP/1.1 (RFC 9112, section 7.1) as a client takes it off, byte by byte."""

from __future__ import annotations

_LINE_END = b"\r\n"


class ChunkParser:
    """Feed it bytes as they come; it gives what the chunks carry. `ended`: the last chunk came.

    Raises ValueError for what is not chunked.
    """

    def __init__(self) -> None:
        self.ended = False
        self._rest = b""
        self._left = 0  # bytes of this chunk, its line end included

    def feed(self, data: bytes) -> bytes:
        """The bytes of the body in `data`."""
        self._rest += data
        parts = []
        while self._rest and not self.ended:
            if not self._left:
                line, end, rest = self._rest.partition(_LINE_END)
                if not end:
                    break
                size = int(line, 16)
                self.ended = size == 0
                self._left, self._rest = size + len(_LINE_END), rest
                continue
            part, self._rest = self._rest[: self._left], self._rest[self._left :]
            self._left -= len(part)
            excess = max(len(_LINE_END) - self._left, 0)
            parts.append(part[: max(len(part) - excess, 0)])
        return b"".join(parts)
