from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.encoded_batch import MAX_BATCH_BYTES, decide, encode_batch, encode_forward
from tests.unit.dispatcher.encoded import EPOCH, batch, encoded, node
from wire.internal import MAX_INTERNAL_BYTES, Batch, decode_batches

ids = st.sampled_from([f"node-{number}" for number in range(8)])


def test_a_batch_goes_to_the_registered_nodes_and_to_nobody_else() -> None:
    members = {name: node(name) for name in ("a", "b", "c")}
    assert {peer.id for peer in decide({"a", "c"}, members).peers} == {"a", "c"}


def test_an_empty_route_sends_nothing() -> None:
    decision = decide(frozenset(), {"a": node("a")})
    assert (decision.peers, decision.unknown) == ((), 0)


def test_a_registration_without_a_member_is_counted_and_passed_over() -> None:
    decision = decide({"a", "gone"}, {"a": node("a")})
    assert ([peer.id for peer in decision.peers], decision.unknown) == (["a"], 1)


@given(st.frozensets(ids), st.frozensets(ids))
def test_each_registered_member_is_chosen_once(
    route: frozenset[str], known: frozenset[str]
) -> None:
    decision = decide(route, {name: node(name) for name in known})
    assert sorted(peer.id for peer in decision.peers) == sorted(route & known)
    assert decision.unknown == len(route - known)


def test_a_forward_carries_the_batches_as_the_writer_sent_them() -> None:
    batches = (batch(1, "v"), batch(7, "w", comments=3), batch(2, "v"))
    body = encode_forward([made for one in batches if (made := encode_batch(one)) is not None])
    assert decode_batches(body) == batches


def test_the_bytes_of_a_comment_are_not_touched() -> None:
    raw = msgspec.Raw('{"text": "é😀",  "seq" :1 }'.encode())
    made = encode_batch(Batch("v", EPOCH, 1, (raw,)))
    assert made is not None
    assert bytes(raw) in made.body


def test_a_batch_that_no_request_could_carry_is_refused() -> None:
    overhead = len(encoded(size=0).body)
    largest = encode_batch(batch(size=MAX_BATCH_BYTES - overhead))
    assert largest is not None
    assert len(encode_forward([largest])) == MAX_INTERNAL_BYTES
    assert encode_batch(batch(size=MAX_BATCH_BYTES - overhead + 1)) is None
