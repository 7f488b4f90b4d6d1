"""R1 and R2: what moderators decided, the notices in the log, and what is stored in the end.

A call that was never answered forks the history here too: a removal may be done, not done, or half
done (the comment is hidden, its notice not numbered yet). The same call made again completes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.history import Decision, Deed, History, Outcome
from tests.chaos.judge_log import (
    COMMENT,
    NOTICES,
    TOMBSTONE,
    Entry,
    Log,
    Target,
    frame_of,
    kind_of,
    repeated_by,
    targets_of,
)
from tests.chaos.rule_book import RULES
from tests.chaos.verdict import Ledger

_TOMBSTONE_FIELDS = {"id", "type", "video_id", "seq", "created_at"}
_REMOVED, _RESTORED = Deed.REMOVE.value, Deed.RESTORE.value


def check_redactions(history: History, log: Log, ledger: Ledger) -> None:
    """Note what holds of decisions, notices and rows."""
    for decision in history.decisions:
        _check_refusals(decision, ledger)
        _check_answers(decision, log, ledger)
    for video_id, stored in history.stored.items():
        for entry in stored:
            if kind_of(entry) in RULES:
                continue
            if kind_of(entry) in NOTICES:
                _check_notice(video_id, entry, log, ledger)
            elif (video_id, entry["seq"]) in log.withdrawn:
                _check_withdrawn(video_id, entry, log, ledger)
            else:
                _check_row((video_id, entry["seq"]), entry, log, ledger)
    for target in {**log.decisions, **log.notices}:
        _check_turns(target, log.notices.get(target, ()), ledger)
        _check_count(target, log, ledger)


def tombstone_says_more(entry: Entry) -> bool:
    """Whether a tombstone has anything but its numbers."""
    return set(entry) != _TOMBSTONE_FIELDS


def _check_refusals(decision: Decision, ledger: Ledger) -> None:
    """A moderator who removes and restores comments that are there does nothing wrong, but may call
    too often.
    """
    for call in decision.calls:
        ledger.expect(
            "P8",
            call.outcome is not Outcome.REFUSED or call.status == 429,
            f"refused a moderator with {call.status}: {_text(decision)}",
        )


def _check_answers(decision: Decision, log: Log, ledger: Ledger) -> None:
    """A removal is told the notices that name its targets, each target once; a restoration is told
    the comment.
    """
    video_id = decision.video_id
    for call in decision.acks:
        told = call.answer or {}
        if decision.deed is Deed.RESTORE:
            row = log.entry(video_id, decision.targets[0])
            true = row is not None and told == (log.comment(video_id, row) or told)
            mine = kind_of(told) == COMMENT and told.get("seq") == decision.targets[0]
        else:
            notices = told.get("notices", [told])
            true = all(log.entry(video_id, one.get("seq", 0)) == one for one in notices)
            named = [seq for one in notices for seq in targets_of(one)]
            mine = all(named.count(seq) == 1 for seq in decision.targets)
            mine &= all(kind_of(one) == _REMOVED for one in notices)
        ledger.expect("R1", true and mine, f"an untrue 200: {_text(decision)} was told {told}")


def _check_notice(video_id: str, notice: Entry, log: Log, ledger: Ledger) -> None:
    """Somebody asked for it, and it speaks of comments before it."""
    seq, targets = notice["seq"], targets_of(notice)
    asked = any(True for _ in log.explained_by(video_id, notice))
    ledger.expect("R1", asked, f"{video_id}: nobody asked for notice {seq}: {notice}")
    ledger.expect(
        "R1",
        notice.get("by", "moderator") == "moderator" and len(set(targets)) == len(targets),
        f"{video_id}: notice {seq} says what no moderator did: {notice}",
    )
    for target in targets:
        row = log.entry(video_id, target) if target < seq else None
        sound = row is not None and kind_of(row) in (COMMENT, TOMBSTONE)
        if row is not None and kind_of(notice) == _RESTORED and "comment" in notice:
            known = log.comment(video_id, row)
            sound &= frame_of(notice["comment"]) == frame_of(row)
            sound &= known is None or notice["comment"] == known
        ledger.expect("R1", sound, f"{video_id}: notice {seq} is not of comment {target}: {notice}")


def _check_withdrawn(video_id: str, row: Entry, log: Log, ledger: Ledger) -> None:
    """A tombstone in the place of a restoration or a pin: its comment was removed later, or a call
    for that was never answered.
    """
    notice = log.withdrawn[video_id, row["seq"]]
    kind = kind_of(notice)
    if "id" in notice and kind == _RESTORED:  # else it is only known that there must have been one
        _check_notice(video_id, notice, log, ledger)
    target = (video_id, repeated_by(notice))
    removed = any(
        kind_of(one) == _REMOVED and one["seq"] > row["seq"] for one in log.notices[target]
    )
    ledger.expect(
        "R2",
        removed or log.is_open(target, Deed.REMOVE),
        f"{video_id} {row['seq']} {kind} {target[1]}, is a tombstone, and nobody removed that",
    )
    if tombstone_says_more(row):
        ledger.break_("R2", f"{video_id} {row['seq']} is a tombstone that says more: {row}")


def _check_turns(target: Target, notices: Sequence[Entry], ledger: Ledger) -> None:
    """A comment is removed, restored, removed, and so on: nothing is done twice."""
    wanted = _REMOVED
    for notice in notices:
        if kind_of(notice) != wanted:
            kinds = [f"{one['seq']} {kind_of(one)}" for one in notices]
            ledger.break_("R1", f"{target[0]} {target[1]} has notices out of turn: {kinds}")
            return
        wanted = _RESTORED if wanted == _REMOVED else _REMOVED


def _check_count(target: Target, log: Log, ledger: Ledger) -> None:
    """Of each kind at least as many notices as decisions that were answered and had something to
    do, as far as that can be known, and at most as many as decisions.
    """
    decisions = sorted(log.decisions.get(target, ()), key=lambda one: one.invoked_at)
    kinds = [kind_of(notice) for notice in log.notices.get(target, ())]
    state: Deed | None = Deed.RESTORE  # None: whatever an unanswered call left
    least = dict.fromkeys(Deed, 0)
    for decision in decisions:
        answered = bool(decision.acks)
        least[decision.deed] += answered and state not in (decision.deed, None)
        state = decision.deed if answered else None
    for deed in Deed:
        most = sum(decision.deed is deed for decision in decisions)
        found = kinds.count(deed.value)
        ledger.expect(
            "R1",
            least[deed] <= found <= most,
            f"{target[0]} {target[1]} has {found} notices that it was {deed.value}, and "
            f"{least[deed]} to {most} were asked for",
        )


def _check_row(target: Target, row: Entry, log: Log, ledger: Ledger) -> None:
    """Its newest notice says which face it has, unless a call that was not answered has left it
    half done: what is stored changes first.
    """
    notices, kind = log.notices.get(target, ()), kind_of(row)
    if kind == COMMENT and not notices:  # nearly always
        return
    newest = kind_of(notices[-1]) if notices else _RESTORED
    face = TOMBSTONE if newest == _REMOVED else COMMENT
    changing = Deed.REMOVE if kind == TOMBSTONE else Deed.RESTORE
    ledger.expect(
        "R2",
        kind == face or (kind in (COMMENT, TOMBSTONE) and log.is_open(target, changing)),
        f"{target[0]} {target[1]} is a {kind}, its notices are {[one['seq'] for one in notices]}, "
        f"the newest says {newest}",
    )
    if kind == TOMBSTONE and tombstone_says_more(row):
        ledger.break_("R2", f"{target[0]} {target[1]} is a tombstone that says more: {row}")


def _text(decision: Decision) -> str:
    return f"{decision.video_id} {decision.targets} to be {decision.deed.value}"
