from __future__ import annotations

from typing import Any

from rtms_node.writer_stores import WriterStores
from rtms_node.writers import Writers
from tests.unit.rtms_node.test_writers import WRITERS, Replies
from wire.internal import HeadsReply, encode

KNOWN = ("w1", "w2", "w3")
A, B, C = ("a" * 12, "b" * 12, "c" * 12)


def noted(*said: tuple[str, str], known: tuple[str, ...] = KNOWN, step_s: float = 1) -> str | None:
    stores = WriterStores()
    for turn, (writer, epoch) in enumerate(said):
        stores.note(writer, epoch, known, turn * step_s)
    return stores.problem


def test_one_store_is_no_problem() -> None:
    assert noted(("w1", A), ("w2", A), ("w3", A), ("w1", A)) is None


def test_two_stores_are_named_with_their_writers() -> None:
    problem = f"writers have different stores: w1, w3 ({A}); w2 ({B})"
    assert noted(("w1", A), ("w2", B), ("w3", A)) == problem


def test_a_new_epoch_is_no_second_store() -> None:
    """All writers were stopped for it, and come back one after the other."""
    renewed = [("w1", A), ("w2", A), ("w1", B)]
    assert noted(*renewed) is None
    assert noted(*renewed, ("w2", B)) is None
    assert noted(*renewed, ("w2", C)) is not None


def test_a_writer_that_ended_is_forgotten() -> None:
    assert noted(("w1", A), ("w2", B), ("w1", A), ("w1", A), step_s=20) is None


def test_a_writer_that_left_is_forgotten() -> None:
    stores = WriterStores()
    stores.note("w1", A, KNOWN, 0)
    stores.note("w2", B, KNOWN, 1)
    stores.note("w1", A, ("w1",), 2)
    assert stores.problem is None


async def test_each_read_of_heads_tells_what_is_wrong() -> None:
    client: Any = Replies(w1=encode(HeadsReply(A, {"v": 1})), w2=encode(HeadsReply(B, {"v": 1})))
    told: list[str | None] = []
    writers = Writers(lambda: client, lambda: WRITERS, on_stores=told.append)
    for _ in range(2):
        await writers.heads(("v",), {})
    assert told[0] is None
    assert told[1] is not None
    client.replies["w2"] = client.replies["w1"]
    for _ in range(2):
        await writers.heads(("v",), {})
    assert told[-1] is None
