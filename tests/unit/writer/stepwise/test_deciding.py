"""Deciding a group by rules that were read before; and what of it is known as of a head."""

from __future__ import annotations

from typing import Any

from identity.roles import Rank
from wire.comment import NewComment
from wire.rulings import FOREVER_MS, Settings
from writer.idempotency import Earlier, body_digest
from writer.rules import Rules, Sanction, paces
from writer.stepwise.deciding import GroupDecider
from writer.stepwise.group import Known, Room, number
from writer.stepwise.rule_rows import VIDEO, Row, RuleRows, VideoRules
from writer.stepwise.rules_as_of import (
    CARRIED_AT_LEAST,
    CARRIED_AT_MOST,
    CARRIED_FOR_S,
    RulesAsOf,
)
from writer.store import Item

NOW_MS = 1_000_000
SLOW = Rules(Settings(slow_mode_s=10))


def written(text: str = "hi", author_id: str = "u_ann", **more: Any) -> NewComment:
    return NewComment(author_id, text, author_id, **more)


def decider(rules: Rules, **more: Any) -> GroupDecider:
    return GroupDecider(NOW_MS, lambda seq, one, _: f"{seq}:{one.text}".encode(), rules, **more)


def decided(one: GroupDecider, *comments: NewComment, known: Known | None = None) -> list[str]:
    """The outcomes, by refusal or by number."""
    items = [Item(comment, f"k{place}", "now") for place, comment in enumerate(comments)]
    group = number(list(enumerate(items)), 10, Room(100), known or Known(), one.accept)
    told = [result for _, result in sorted(group.results.items()) if result is not None]
    assert len(group.keys) == len(group.raws)
    return [
        result.refusal.code.value if result.refusal else f"{result.outcome.value} {result.seq}"
        for result in told
    ]


def test_what_is_refused_takes_neither_a_number_nor_a_key() -> None:
    ban = Sanction("u_ann", FOREVER_MS, "u_mod", Rank.MODERATOR, "then")
    one = decider(Rules(sanctions=True), sanctions={"u_ann": ban})
    assert decided(one, written(), written("a", "u_bob"), written(), written("b", "u_bob")) == [
        *("banned", "new 11", "banned", "new 12")
    ]
    assert one.refused


def test_what_is_stored_already_is_not_decided_again() -> None:
    comment = written()
    known = Known({"k0": Earlier(3, body_digest(comment), b"3:hi")})
    one = decider(Rules(Settings(closed=True)))
    assert decided(one, comment, written(), known=known) == ["replayed 3", "closed"]
    assert one.taken == {}


def test_slots_count_within_a_group_and_against_earlier_ones() -> None:
    one = decider(SLOW)
    assert decided(one, written("a"), written("b"), written("c", "u_bob")) == [
        *("new 11", "slow_mode", "new 12")
    ]
    (pace,) = paces(SLOW, written())
    assert one.taken[pace.slot] == 10_000
    assert decided(decider(SLOW, used={pace.slot: NOW_MS - 9_999}), written()) == ["slow_mode"]
    assert decided(decider(SLOW, used={pace.slot: NOW_MS - 10_000}), written()) == ["new 11"]


def test_a_moderator_who_posts_reserves_the_name_from_then_on() -> None:
    mia = NewComment("Mia", "hi", "u_mia", rank=Rank.MODERATOR)
    one = decider(Rules())
    assert decided(one, NewComment("mia", "before"), mia, NewComment("mia", "after")) == [
        *("new 11", "new 12", "name_reserved")
    ]
    assert [staff.author_id for staff in one.rules.staff] == ["u_mia"]


class Rows:
    """Stands for the table: what `said` says, and how often it was asked."""

    def __init__(self) -> None:
        self.said, self.version, self.asked = VideoRules(), 1, 0

    async def fetch(self, _video_id: str, _parts: object) -> RuleRows:
        self.asked += 1
        return RuleRows({VIDEO: Row(self.version, b"")}, self.said)


async def test_rules_are_known_as_of_the_head_that_own_groups_carry_on() -> None:
    rows: Any = Rows()
    rules = RulesAsOf(rows)
    assert rules.find("v", 5, ()) is None
    await rules.fetch("v", 5, ())
    assert rules.find("v", 5, ()) is not None
    rules.carry_on("v", 5, 8)
    assert rules.find("v", 5, ()) is None
    assert rules.find("v", 8, ()) is not None
    rules.carry_on("v", 9, 10)  # somebody else was in between
    assert rules.find("v", 10, ()) is None
    assert rows.asked == 1


async def test_rules_are_read_again_after_many_groups() -> None:
    rows: Any = Rows()
    rules = RulesAsOf(rows)
    await rules.fetch("v", 0, ())
    for head in range(CARRIED_AT_MOST):
        assert rules.find("v", head, ()) is not None
        rules.carry_on("v", head, head + 1)
    assert rules.find("v", CARRIED_AT_MOST, ()) is None
    await rules.fetch("v", CARRIED_AT_MOST, ())
    assert rules.find("v", CARRIED_AT_MOST, ()) is not None


async def test_rules_are_read_again_after_a_while_that_groups_carried_them_on() -> None:
    """Where groups take long, too few of them come while another writer waits."""
    rows: Any = Rows()
    now = [5.0]
    rules = RulesAsOf(rows, lambda: now[0])
    await rules.fetch("v", 0, ())
    now[0] += 60
    assert rules.find("v", 0, ()) is not None  # nobody was kept from the number after it
    for head in range(CARRIED_AT_LEAST - 1):
        rules.carry_on("v", head, head + 1)
    assert rules.find("v", CARRIED_AT_LEAST - 1, ()) is not None  # the video is quiet
    rules.carry_on("v", CARRIED_AT_LEAST - 1, CARRIED_AT_LEAST)
    assert rules.find("v", CARRIED_AT_LEAST, ()) is None
    await rules.fetch("v", CARRIED_AT_LEAST, ())
    for head in range(CARRIED_AT_LEAST, 2 * CARRIED_AT_LEAST):
        rules.carry_on("v", head, head + 1)
    now[0] += CARRIED_FOR_S
    assert rules.find("v", 2 * CARRIED_AT_LEAST, ()) is not None


async def test_an_author_of_whom_nothing_was_read_is_not_known() -> None:
    rows: Any = Rows()
    rows.said = VideoRules(Rules(sanctions=True))
    rules = RulesAsOf(rows)
    await rules.fetch("v", 5, ["u_ann"])
    assert rules.find("v", 5, ["u_ann"]) is not None
    assert rules.find("v", 5, ["u_ann", "u_bob"]) is None
    await rules.fetch("v", 5, ["u_bob"])
    assert rules.find("v", 5, ["u_ann", "u_bob"]) is not None
    rows.version = 2  # the rules have changed: all that is known is of before
    await rules.fetch("v", 5, ["u_bob"])
    assert rules.find("v", 5, ["u_ann", "u_bob"]) is None


async def test_a_read_that_began_at_an_older_head_is_not_remembered() -> None:
    rows: Any = Rows()
    rules = RulesAsOf(rows)
    await rules.fetch("v", 9, ())
    await rules.fetch("v", 5, ())
    assert rules.find("v", 9, ()) is not None
    assert rules.find("v", 5, ()) is None
