"""What rulings say and what follows from them: as docs/protocol.md has it, for who rules and for
the judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.chaos.history import Rule, Ruling

FOREVER = "9999-12-31T23:59:59.999Z"
DEFAULTS: Mapping[str, Any] = {
    "slow_mode_s": 0,
    "closed": False,
    "members_only": False,
    "links": True,
    "guests": True,
    "repeats": True,
}
# Codes with which a post is refused by a ruling.
REFUSED_BY_RULES = ("banned", "timed_out", "closed", "slow_mode")
RULES = tuple(rule.value for rule in Rule)
Subject = tuple[str, Rule, str]  # video, what it is about, and of a sanction the author id
State = dict[str, Any]  # all settings; `until` and `purge`; `seq`


def subject_of(video_id: str, rule: Rule, said: Mapping[str, Any]) -> Subject:
    """What a ruling, or its entry, is about."""
    return video_id, rule, str(said["author_id"]) if rule is Rule.SANCTION else ""


def state_in(entry: Mapping[str, Any]) -> State:
    """What the entry of a ruling says is so from now on."""
    rule = Rule(entry["type"])
    if rule is Rule.SETTINGS:
        return {name: entry.get(name) for name in DEFAULTS}
    if rule is Rule.SANCTION:
        return {"until": entry.get("until"), "purge": entry.get("purge")}
    return {"seq": (entry.get("comment") or {}).get("seq", 0)}


def at_first(rule: Rule) -> State:
    """Before anybody has ruled."""
    if rule is Rule.SETTINGS:
        return dict(DEFAULTS)
    return {"until": None, "purge": False} if rule is Rule.SANCTION else {"seq": 0}


def ruled(rule: Rule, state: State, said: Mapping[str, Any]) -> State:
    """What is so after a ruling; the same state if it changes nothing."""
    if rule is Rule.SETTINGS:
        return {**state, **said}
    if rule is Rule.PIN:
        return {"seq": said["seq"]}
    if said["until"] != state["until"] or (said["purge"] and not state["purge"]):
        return {"until": said["until"], "purge": said["purge"]}
    return state


def asks_for(ruling: Ruling, state: State) -> bool:
    """Whether an entry that says this may be what it wanted."""
    said = ruling.said
    return all(said[name] == value for name, value in state.items() if name in said)
