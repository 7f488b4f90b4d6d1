"""A run that had no load, no fault or no facts has shown nothing."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.floor import Floor
from tests.chaos.history import History, Trouble
from tests.chaos.judge import judge
from tests.unit.chaos.histories import LIGHT, sound

STRUCK = replace(LIGHT, faults=1, calls=3)


def struck(count: int = 50) -> History:
    """A fault at 9.5 s, nothing to see of it after 15 s."""
    history = sound(count)
    history.troubles = [Trouble("node killed", 9.5, 10.0, 5.0)]
    return history


def without(history: History, begin: float, end: float) -> History:
    """Nothing was posted between these times."""
    history.posts = [post for post in history.posts if not begin < post.invoked_at < end]
    return history


def test_a_run_without_load_is_void() -> None:
    verdict = judge(sound(), Floor())
    assert verdict.broken == []
    assert not verdict.good
    assert [reason.split(" ", 1)[1] for reason in verdict.void] == [
        "comments/s, not 100",
        "viewers a node",
        "node had too few viewers: {'node-1': 2}",
        "deliveries/s",
        "fault was injected",
    ]


def test_a_run_with_load_before_and_after_its_fault_is_not_void() -> None:
    assert judge(struck(), STRUCK).good


def test_a_run_without_a_fault_is_void() -> None:
    history = struck()
    history.troubles.clear()
    assert judge(history, STRUCK).void == ("no fault was injected",)


def test_a_run_whose_load_ended_with_its_fault_is_void() -> None:
    verdict = judge(without(struck(), 15.0, 51.0), STRUCK)
    assert "0 comments/s in the calm after a fault" in verdict.void


def test_a_run_that_ends_before_calm_returns_is_void() -> None:
    verdict = judge(struck(17), STRUCK)
    assert verdict.void == (
        "only 3.0 s of calm after a fault",
        "P6: only 0 calls of nodes long enough after a fault",
    )


def test_a_run_whose_nodes_were_not_called_long_after_faults_is_void() -> None:
    history = struck()
    history.forwards = [call for call in history.forwards if call.at < 20.0]
    assert judge(history, STRUCK).void == ("P6: only 0 calls of nodes long enough after a fault",)
    other = replace(STRUCK, promises=("P8",))  # a topology that does not promise it
    assert judge(history, other).void == ()


def test_a_node_with_few_viewers_is_not_hidden_by_the_others() -> None:
    history = sound()
    history.nodes = 2
    assert judge(history, replace(LIGHT, viewers_per_node=1)).void == (
        "a node had too few viewers: {'node-1': 2}",
    )
    history.watches[1].streams[0].node = "node-2"
    for call in list(history.forwards):
        history.forwards.append(replace(call, node="node-2"))
    assert judge(history, replace(LIGHT, viewers_per_node=1)).void == ()


def test_a_recorder_that_was_late_itself_has_shown_nothing() -> None:
    history = sound()
    history.lag_s = 60.0
    assert judge(history, LIGHT).void == ("the recorder was 60.0 s late",)


def test_the_load_counts_only_before_the_first_fault() -> None:
    history = sound()
    history.troubles.append(Trouble("node killed", 0.5, 0.6, 1.0))
    assert any("comments/s" in reason for reason in judge(history, LIGHT).void)


def test_a_promise_that_was_not_looked_at_makes_the_run_void() -> None:
    history = sound()
    history.forwards.clear()
    assert judge(history, LIGHT).void == ("P6 was not judged",)
    assert "P6  not judged" in judge(history).text()
