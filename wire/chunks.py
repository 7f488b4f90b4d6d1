"""The chunked transfer coding of HTTP/1.1 (RFC 9112, section 7.1), as streams use it.

Each frame of a stream is a chunk of its own, so that a client which reads chunk by chunk has it at
once. No last chunk is ever sent: what ends a stream is the end of the connection, which a client
then knows for a stream that was cut, and comes back; a whole body would be an end for good to some.
"""

from __future__ import annotations


def chunk(data: bytes) -> bytes:
    """`data` as one chunk. It must not be empty: an empty chunk is the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def unchunk(chunks: bytes) -> bytes:
    """What `chunks` carry; only for whole ones that `chunk` has made."""
    parts = []
    start = 0
    while start < len(chunks):
        line_end = chunks.index(b"\r\n", start)
        begin = line_end + 2
        end = begin + int(chunks[start:line_end], 16)
        parts.append(chunks[begin:end])
        start = end + 2
    return b"".join(parts)
