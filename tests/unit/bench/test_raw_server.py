"""The limits that ours is measured against do what they claim."""

from __future__ import annotations

import socket

import pytest

from bench.raw_server import Round, compile_c, find_compiler, send_round


@pytest.fixture(params=["python", "c"])
def loop(request: pytest.FixtureRequest) -> Round:
    if request.param == "python":
        return send_round
    in_c = compile_c()
    if in_c is None:
        assert find_compiler() is None
        pytest.skip("no C compiler here")
    return in_c


def test_every_socket_gets_the_same_bytes(loop: Round) -> None:
    pairs = [socket.socketpair() for _ in range(5)]
    try:
        assert loop([ours for ours, _ in pairs], b"id: 1\n\n") == 5
        assert [theirs.recv(100) for _, theirs in pairs] == [b"id: 1\n\n"] * 5
    finally:
        for sock in (sock for pair in pairs for sock in pair):
            sock.close()


def test_a_socket_that_is_gone_is_not_counted() -> None:
    in_c = compile_c()
    if in_c is None:
        pytest.skip("no C compiler here")
    ours, theirs = socket.socketpair()
    theirs.close()
    assert in_c([ours], b"lost") == 0
    ours.close()
