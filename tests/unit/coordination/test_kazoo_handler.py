"""What kazoo's connection relies on when it waits for its sockets."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator

import pytest

from coordination.kazoo_handler import KazooHandler

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    yield one, other
    one.close()
    other.close()


def test_who_can_be_read_or_written_is_told_and_nobody_else(pair: Pair) -> None:
    one, other = pair
    select = KazooHandler().select
    assert select([one], [], [], 0) == ([], [], [])
    assert select([one], [one], [], 0) == ([], [one], [])
    other.send(b"x")
    assert select([one, other], [one], [one], 5.0) == ([one], [one], [])


def test_it_waits_no_longer_than_the_timeout_and_without_one_until_something_comes(
    pair: Pair,
) -> None:
    one, other = pair
    assert KazooHandler().select([one], [], [], 0.001) == ([], [], [])
    other.send(b"x")
    assert KazooHandler().select([one], [], []) == ([one], [], [])


def test_the_end_of_the_other_side_can_be_read(pair: Pair) -> None:
    one, other = pair
    other.close()
    assert KazooHandler().select([one], [], [], 5.0)[0] == [one]
    assert one.recv(1) == b""


def test_a_closed_socket_is_an_error_that_kazoo_takes_for_a_lost_connection(pair: Pair) -> None:
    one, _ = pair
    one.close()
    with pytest.raises(OSError, match="closed"):
        KazooHandler().select([one], [], [], 0)


def test_descriptors_over_1023_are_no_limit(pair: Pair) -> None:
    """A node has thousands of viewers before it reconnects."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft <= 2_000:
        pytest.skip(f"only {soft} descriptors here")
    one, other = pair
    other.send(b"x")
    with socket.socket(fileno=os.dup2(one.fileno(), 1_999)) as high:
        assert high.fileno() > 1_023
        assert KazooHandler().select([high], [], [], 5.0)[0] == [high]


def test_callbacks_are_carried_out_in_their_order() -> None:
    handler = KazooHandler()
    handler.start()
    done: list[int] = []
    ends = handler.event_object()
    for number in range(1_000):
        handler.completion_queue.put(lambda number=number: done.append(number))
    handler.completion_queue.put(ends.set)
    assert ends.wait(30.0)
    handler.stop()
    assert done == list(range(1_000))
