"""The node that benchmarks measure: what it tells of a run is what became of the comments."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bench import node_server, sink
from bench.child import BenchFailed, Child
from bench.node_server import Load

MORE_THAN_IS_KEPT = 6_000  # comments: those of a viewer that takes none go from the ring


@pytest.fixture
def node() -> Iterator[Child]:
    with Child(node_server.run) as child:
        yield child


@pytest.fixture
def stalled(node: Child) -> Iterator[socket.socket]:
    """A viewer that takes its hello and nothing more."""
    with socket.create_connection(("127.0.0.1", node.ask("port")), timeout=10) as viewer:
        viewer.sendall(sink.request("quiet", "10.0.0.1"))
        received = b""
        while b"event: hello" not in received:
            received += viewer.recv(4_096)
        yield viewer


def test_every_delivery_is_counted(node: Child) -> None:
    with Child(sink.run) as viewers:
        sink.connect(viewers, node.ask("port"), ["quiet"] * 3)
        load: Load = node.ask("post", "quiet", 100.0, 10)
        assert (load.deliveries, load.missed) == (30, 0)
        assert load.took_s >= 0.09
        assert len(load.delays_ms) == 10


def test_a_steady_run_tells_of_its_last_two_thirds(node: Child) -> None:
    with Child(sink.run) as viewers:
        sink.connect(viewers, node.ask("port"), ["a", "b"])
        load: Load = node.ask("post_steadily", ["a", "b"], 100.0, 10)
        assert 20 <= load.deliveries < 30


def test_what_a_viewer_never_got_fails_a_run(node: Child, stalled: socket.socket) -> None:
    with pytest.raises(BenchFailed, match="were not delivered"):
        node.ask("post", "quiet", 100_000.0, MORE_THAN_IS_KEPT)


def test_under_overload_what_a_viewer_never_got_is_told(
    node: Child, stalled: socket.socket
) -> None:
    load: Load = node.ask("overload", ["quiet"], 100_000.0, MORE_THAN_IS_KEPT)
    assert load.missed > 0
    assert load.deliveries + load.missed == MORE_THAN_IS_KEPT
