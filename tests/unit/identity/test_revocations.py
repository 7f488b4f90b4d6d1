from __future__ import annotations

import pytest

from identity.revocations import Revocations
from wire.errors import TokenInvalid

ANN, BOB = "u_ann", "u_bob"


def test_what_was_issued_before_a_time_does_not_count() -> None:
    revocations = Revocations()
    assert not revocations.revokes(ANN, 0)
    revocations.learn({ANN: 100}, 1)
    assert revocations.revokes(ANN, 99.9)
    assert not revocations.revokes(ANN, 100)
    assert not revocations.revokes(BOB, 0)
    with pytest.raises(TokenInvalid):
        revocations.check(ANN, 99)


def test_an_older_read_that_ends_later_brings_nothing_back() -> None:
    """As a node's is that asks a writer which has not heard of it yet."""
    revocations, changes = Revocations(), list[int]()
    revocations.on_change = lambda: changes.append(revocations.version)
    revocations.learn({ANN: 100, BOB: 5}, 7)
    revocations.learn({ANN: 50}, 6)
    revocations.learn({ANN: 100, BOB: 6}, 8)
    assert revocations.not_before == {ANN: 100, BOB: 6}
    assert changes == [7, 6, 8]
