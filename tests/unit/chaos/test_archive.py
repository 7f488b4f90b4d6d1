"""A history comes back from disk as it was."""

from __future__ import annotations

from pathlib import Path

from tests.chaos import archive
from tests.chaos.floor import Floor
from tests.chaos.history import (
    Call,
    Choice,
    Decision,
    Deed,
    Event,
    Forward,
    History,
    Outcome,
    Post,
    Refusal,
    Rule,
    Ruling,
    Stream,
    Trouble,
    Watch,
)
from tests.chaos.judge import judge


def test_a_history_is_judged_the_same_after_it_was_on_disk(tmp_path: Path) -> None:
    told = {"id": "e-1", "video_id": "v", "seq": 1, "author": "a", "text": "ä", "created_at": "t"}
    call = Call(1.0, 1.1, 4.0, Outcome.ACKED, 201, told)
    watch = Watch("v", "viewer 1", streams=[Stream(0.1, "node-1", 3.0)])
    watch.refused.append(Refusal(3.0, 3.1, "nobody listened"))
    watch.add(0.2, Event("hello", "e-0", {"video_id": "v", "head": "e-0"}))
    watch.add(1.2, Event("comment", "e-1", told))
    watch.add(1.3, Event("comment", "e-1", told))  # a fault, so that there is something to find
    history = History(
        posts=[Post("v", "key", "a", "ä", [call], author_id="u_a")],
        rulings=[Ruling("v", Rule.SETTINGS, {"closed": True}, [Call(2.0, 2.1, code="forbidden")])],
        decisions=[Decision("v", Deed.REMOVE, (1, 2), [Call(2.0, 2.1)])],
        choices=[Choice("v", "key", "max", True, [Call(3.0, 3.1)])],
        watches=[watch],
        stored={"v": [told]},
        forwards=[Forward(1.1, "node-2", "v", 1)],
        troubles=[Trouble("node killed", 5.0, 6.0, 2.0, only_routes=True)],
        began_at=0.5,
        ended_at=9.0,
        nodes=3,
        moderated=True,
        ruled=True,
        screened=True,
        wall_s=1000.0,
        lag_s=0.1,
    )
    archive.save(history, tmp_path / "history.jsonl.gz")
    again = archive.load(tmp_path / "history.jsonl.gz")
    assert judge(again, Floor()) == judge(history, Floor())
    assert judge(again).broken
    assert again.watches[0].refused == watch.refused
    assert (again.decisions, again.moderated) == (history.decisions, True)
    assert (again.rulings, again.ruled, again.wall_s) == (history.rulings, True, 1000.0)
    assert (again.choices, again.screened) == (history.choices, True)
    assert (again.troubles, again.forwards, again.posts) == (
        history.troubles,
        history.forwards,
        history.posts,
    )
