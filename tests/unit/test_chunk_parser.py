from __future__ import annotations

import pytest

from tests.chunk_parser import ChunkParser
from wire.chunks import chunk, unchunk

PARTS = [b"a", b"bc\r\n" * 20, b"\r\n", b"0\r\n\r\n"]
WHOLE = b"".join(map(chunk, PARTS))


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(WHOLE)])
def test_what_chunks_carry_comes_out_however_they_arrive(size: int) -> None:
    parser = ChunkParser()
    pieces = [WHOLE[start : start + size] for start in range(0, len(WHOLE), size)]
    assert b"".join(map(parser.feed, pieces)) == b"".join(PARTS)
    assert not parser.ended


def test_the_last_chunk_ends_it() -> None:
    parser = ChunkParser()
    assert parser.feed(chunk(b"a") + b"0\r\n\r\n") == b"a"
    assert parser.ended


def test_our_own_decoder_agrees() -> None:
    assert unchunk(WHOLE) == b"".join(PARTS)


def test_what_is_not_chunked_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        ChunkParser().feed(b"event: hello\r\n")
