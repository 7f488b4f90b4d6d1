"""R9 and R10: what filters block or hold, and what moderators say of it.

A decision that was never answered may have been carried out or not; where all were answered it is
plain which one counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tests.chaos.history import Choice, History, Outcome, Post
from tests.chaos.judge_log import Entry, Log
from tests.chaos.verdict import Ledger

_Key = tuple[str, str]  # video, key of the post
_TOO_OFTEN = 429


def check_held(history: History, log: Log, ledger: Ledger) -> None:
    """Note what holds of posts that filters stop, and of decisions about them."""
    stored: dict[tuple[str, str], Entry] = {}
    for video_id, entries in history.stored.items():
        for comment in filter(None, (log.comment(video_id, entry) for entry in entries)):
            stored[video_id, comment["text"]] = comment
    choices: dict[_Key, list[Choice]] = defaultdict(list)
    for choice in history.choices:
        if choice.calls:
            choices[choice.video_id, choice.key].append(choice)
    for post in history.posts:
        kept = stored.get((post.video_id, post.text))
        if post.held:
            said = choices[post.video_id, post.key]
            _check_post(post, kept, said, ledger)
            _check_choices(post, kept, said, ledger)
        elif not post.valid and any(call.code == "blocked" for call in post.calls):
            ledger.expect("R9", kept is None, f"blocked and stored: {kept}")


def _check_post(post: Post, comment: Entry | None, said: Sequence[Choice], ledger: Ledger) -> None:
    """It is stored if it is approved only, and its author is told nothing else."""
    approved = [choice for choice in said if choice.approve]
    ledger.expect("R9", comment is None or bool(approved), f"nobody approved {comment}")
    ids = {(call.answer or {}).get("held") for call in post.calls if call.outcome is Outcome.HELD}
    ledger.expect("R9", len(ids) <= 1, f"key {post.key} is held as {sorted(map(str, ids))}")
    for call in post.calls:
        begun = [one.approve for one in said if one.invoked_at <= call.returned_at]
        allowed = (
            call.outcome in (Outcome.HELD, Outcome.UNKNOWN)
            or call.status in (_TOO_OFTEN, 503)
            or (call.status == 200 and True in begun)
            or (call.code == "blocked" and False in begun)
        )
        ledger.expect(
            "R9", allowed, f"key {post.key}, which is held, was told {call.status} {call.code}"
        )


def _check_choices(
    post: Post, comment: Entry | None, said: Sequence[Choice], ledger: Ledger
) -> None:
    counted = [choice for choice in said if choice.acks]
    ledger.expect(
        "R10", len(counted) <= 1, f"both counted: {[_text(choice) for choice in counted]}"
    )
    for choice in said:
        others = [one for one in said if one is not choice]
        for call in choice.calls:
            _check_refusal(choice, call.code, call.outcome, others, ledger)
        for call in choice.acks:
            told = call.answer or {}
            state = "approved" if choice.approve else "denied"
            true = told.get("state") == state and told.get("comment") == (
                comment if choice.approve else None
            )
            ledger.expect("R10", true, f"{_text(choice)} was told {told}, stored is {comment}")
    if said and all(choice.outcome is not Outcome.UNKNOWN for choice in said):
        ledger.expect("R10", bool(counted), f"nobody decided on {post.key}: {len(said)} tried")
        if counted and not counted[0].approve:
            ledger.expect("R10", comment is None, f"denied and stored: {comment}")


def _check_refusal(
    choice: Choice, code: str, outcome: Outcome, others: Sequence[Choice], ledger: Ledger
) -> None:
    """A moderator is only refused because another one was faster."""
    if outcome is Outcome.REFUSED and code != "too_many_requests":
        ledger.expect(
            "R10", code == "decided" and bool(others), f"{_text(choice)} was refused as {code}"
        )


def _text(choice: Choice) -> str:
    return f"{choice.by} {'approves' if choice.approve else 'denies'} key {choice.key}"
