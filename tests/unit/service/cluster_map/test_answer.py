from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cluster_map.answer import BadAnswer, Videos, read_state, read_videos
from service.cluster_map.picture import Gathered, draw
from wire.roles import Role

LEAST: dict[str, Any] = {"role": "node", "id": "node-1", "ready": True}


def state_with(**members: Any) -> bytes:
    return msgspec.json.encode(LEAST | members)


def test_what_is_not_told_is_nothing() -> None:
    """A process of another version may tell less, or more."""
    state = read_state(state_with(new_thing={"a": [1]}, internal_port=7))
    assert (state.role, state.id, state.ready, state.viewers) == (Role.NODE, "node-1", True, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b"<!doctype html>", b"\xff\xfe\x00", b'{"role":"node"',
        b"[" * 100_000, b'{"a":' * 100_000, state_with(role="boss"), state_with(id="<b>"),
        state_with(id="x" * 64), state_with(ready="yes"), state_with(viewers=-1),
        state_with(viewers=2**60), state_with(viewers="1"), state_with(up_s=-1),
        state_with(queues=[1]), state_with(queues={"q": "long"}), state_with(degraded={"a": {}}),
        b'{"role":"node","id":"n","ready":true,"up_s":1e999}',
        b'{"role":"node","id":"n","ready":true,"up_s":NaN}',
        b'{"role":"node","id":"n","ready":true,"degraded":{"a":"\\ud800"}}',
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_refused_whole(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_state(body)


def test_lists_and_texts_are_cut() -> None:
    many = {f"thing-{n}": n for n in range(500)}
    state = read_state(
        state_with(
            degraded={"x" * 5000: "y" * 5000} | {f"d{n}": "away" for n in range(500)},
            queues=many,
            totals=many,
            busiest=many,
            failing=[f"node-{n}" for n in range(500)],
        )
    )
    assert {len(x) for x in (state.degraded, state.queues, state.totals, state.busiest)} == {64}
    assert len(state.failing) == 64
    assert max(map(len, [*state.degraded, *state.degraded.values()])) == 200
    assert list(state.queues)[:2] == ["thing-499", "thing-498"], "the longest first"
    assert "thing-0" not in read_state(state_with(queues={"thing-0": 0})).queues


def test_names_that_are_none_are_left_out() -> None:
    state = read_state(state_with(busiest={"<script>": 5, "v1": 4}, failing=["\u202enode", "n2"]))
    assert (state.busiest, state.failing) == ({"v1": 4}, ["n2"])
    videos = read_videos(
        b'{"viewers":{"<b>":1,"v":2},"routes":{"v":["n1","<i>"],"\\u202e":["n1"]}}'
    )
    assert videos == Videos({"v": 2}, {"v": ["n1"]})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


_NAMES = [
    "degraded", "queues", "totals", "busiest", "up_s", "viewers", "failing", "id", "role",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(_NAMES), _JSON))
def test_whatever_is_answered_is_refused_or_can_be_shown(members: dict[str, Any]) -> None:
    try:
        state = read_state(msgspec.json.encode(LEAST | members))
    except BadAnswer:
        return
    who = state.identity
    msgspec.json.encode(draw(Gathered({who: state}, {who: "a:1"}, {})))
