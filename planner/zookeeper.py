"""What a change of registrations costs a ZooKeeper server that has run for a while: its JVM
compiles in the first seconds, and then needs a quarter of the CPU.

One video in one transaction, its znode and the registration, as nodes do when videos are opened
here and there; some in flight at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kazoo.client import KazooClient

from bench.child import BenchFailed
from bench.processes import cpu_s_of

_ROOT = "/livecomments-bench"
_WARM_UP, _MEASURED = 2_000, 1_000  # videos
_IN_FLIGHT = 50
_CHANGES = 4  # of each video: two znodes are made, and deleted
_WITHIN_S = 30.0


def change_s(port: int, pid: int) -> float:
    """CPU seconds of a change, of the server with that client port and process. Blocks for some
    seconds. Raises BenchFailed.
    """
    client = KazooClient(f"127.0.0.1:{port}", timeout=_WITHIN_S)
    try:
        client.start(timeout=_WITHIN_S)
        client.ensure_path(_ROOT)
        _come_and_go(client, _WARM_UP)
        before = cpu_s_of(pid)
        _come_and_go(client, _MEASURED)
        return (cpu_s_of(pid) - before) / (_CHANGES * _MEASURED)
    except Exception as exc:
        raise BenchFailed(f"ZooKeeper was not measured: {exc!r}") from exc
    finally:
        client.stop()
        client.close()


def _come_and_go(client: KazooClient, videos: int) -> None:
    paths = [f"{_ROOT}/video-{number}" for number in range(videos)]
    _change(client, paths, _appear)
    _change(client, paths, _vanish)


def _change(client: KazooClient, paths: list[str], add: Callable[[Any, str], None]) -> None:
    for first in range(0, len(paths), _IN_FLIGHT):
        replies = []
        for path in paths[first : first + _IN_FLIGHT]:
            client.exists_async(path)  # a node looks before it changes anything
            transaction = client.transaction()
            add(transaction, path)
            replies.append(transaction.commit_async())
        for reply in replies:
            _require_done(reply.get(timeout=_WITHIN_S))


def _appear(transaction: Any, path: str) -> None:
    transaction.create(path)
    transaction.create(f"{path}/node-1", b"x" * 20, ephemeral=True)


def _vanish(transaction: Any, path: str) -> None:
    transaction.delete(f"{path}/node-1")
    transaction.delete(path)


def _require_done(results: Iterable[object]) -> None:
    for result in results:
        if isinstance(result, Exception):
            raise result
