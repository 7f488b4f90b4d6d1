"""P1, P2, P3 and the stored half of P5: what was posted, what was answered, what is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.history import History, Outcome, Post
from tests.chaos.verdict import Ledger

Comment = Mapping[str, Any]
_FIELDS = {"id", "video_id", "seq", "author", "text", "created_at"}


def check_store(history: History, ledger: Ledger) -> None:
    """Note what holds of posts and of the stored comments."""
    by_text: dict[tuple[str, str], list[Comment]] = defaultdict(list)
    for video_id, stored in history.stored.items():
        _check_numbers(video_id, stored, ledger)
        for comment in stored:
            by_text[video_id, comment["text"]].append(comment)
    for post in history.posts:
        copies = by_text.get((post.video_id, post.text), [])
        _check_acks(post, history.stored.get(post.video_id, []), ledger)
        _check_key(post, copies, ledger)
        _check_refusals(post, ledger)
    _check_origin(history, by_text, ledger)
    _check_order_of_time(history, ledger)


def _check_acks(post: Post, stored: Sequence[Comment], ledger: Ledger) -> None:
    for call in post.acks:
        told = call.answer or {}
        seq = told.get("seq", 0)
        kept = stored[seq - 1] if 0 < seq <= len(stored) else None
        ledger.expect(
            "P1",
            kept == told and set(told) == _FIELDS,
            f"an untrue {call.status}: key {post.key} was told {told}, stored is {kept}",
        )
        ledger.expect("P1", post.valid, f"key {post.key} is no comment, and was told {told}")
        mine = told.get("text") == post.text and told.get("author") == post.author
        ledger.expect("P1", mine, f"key {post.key} posted {post.text!r} and was told {told}")


def _check_key(post: Post, copies: Sequence[Comment], ledger: Ledger) -> None:
    """The forks of one key: absent until a call that may have stored it, then there or not, and for
    good where an answer says so.
    """
    may_be_there = False
    number: int | None = None
    for call in post.calls:
        if call.outcome is Outcome.ACKED:
            seq = (call.answer or {}).get("seq")
            ledger.expect(
                "P3",
                number is None or seq == number,
                f"key {post.key} has two numbers: it was told {number}, then {seq}",
            )
            if call.status == 201 and number is not None:
                ledger.break_("P3", f"key {post.key} was created again after it had {number}")
            if call.status == 200 and not may_be_there:
                ledger.break_(
                    "P3", f"key {post.key} was called a replay, and was never sent before"
                )
            number, may_be_there = seq, True
        elif call.outcome is Outcome.UNKNOWN:
            may_be_there = True
    seqs = [comment["seq"] for comment in copies]
    ledger.expect("P3", len(seqs) <= 1, f"key {post.key} is stored {len(seqs)} times: {seqs}")
    for other in {comment["author"] for comment in copies} - {post.author}:
        ledger.break_("P5", f"key {post.key} of {post.author} is stored as said by {other}")
    if copies and not may_be_there:
        calls = [f"{call.outcome.value} ({call.status})" for call in post.calls]
        ledger.break_("P5", f"refused and stored: {copies[0]} after {calls}")


def _check_refusals(post: Post, ledger: Ledger) -> None:
    """Whoever sends what may be sent is at fault in nothing, whatever else is broken; 429 says that
    it came too often.
    """
    if not post.valid:
        return
    acked = False
    for call in post.calls:
        at_fault = 400 <= call.status < 500 and call.status != 429
        if at_fault and acked:
            ledger.break_("P3", f"key {post.key} got {call.status} after it had been stored")
        elif at_fault:
            ledger.break_("P8", f"refused a valid comment: {call.status} for key {post.key}")
        ledger.judge("P8")
        acked = acked or call.outcome is Outcome.ACKED


def _check_numbers(video_id: str, stored: Sequence[Comment], ledger: Ledger) -> None:
    epochs = {str(comment["id"]).rpartition("-")[0] for comment in stored}
    ledger.expect("P2", len(epochs) <= 1, f"{video_id} has comments of epochs {sorted(epochs)}")
    ledger.judge("P2", len(stored))
    for wanted, comment in enumerate(stored, 1):
        seq, tail = comment["seq"], str(comment["id"]).rpartition("-")[2]
        if seq != wanted or tail != str(wanted) or comment["video_id"] != video_id:
            around = [other["seq"] for other in stored[max(wanted - 4, 0) : wanted + 3]]
            ledger.break_("P2", f"{video_id}: {wanted} is missing in ... {around} ... ({comment})")
            return


def _check_origin(
    history: History, by_text: Mapping[tuple[str, str], Sequence[Comment]], ledger: Ledger
) -> None:
    posted = {(post.video_id, post.text) for post in history.posts}
    ledger.judge("P5", len(by_text))
    for (video_id, text), copies in by_text.items():
        if (video_id, text) not in posted:
            ledger.break_("P5", f"stored but never posted: {copies[0]}")


def _check_order_of_time(history: History, ledger: Ledger) -> None:
    """What was answered before another post was sent has the lower number."""
    by_video: dict[str, list[Post]] = defaultdict(list)
    for post in history.posts:
        if post.acks:
            by_video[post.video_id].append(post)
    for video_id, posts in by_video.items():
        answers = sorted((post.acks[0].returned_at, _number(post), post) for post in posts)
        highest, done = (0, ""), 0
        for post in sorted(posts, key=lambda post: post.invoked_at):
            while done < len(answers) and answers[done][0] < post.invoked_at:
                highest = max(highest, (answers[done][1], answers[done][2].key))
                done += 1
            ledger.expect(
                "P2",
                _number(post) > highest[0] or post.key == highest[1],
                f"{video_id}: key {post.key} got {_number(post)}, though it was sent after key "
                f"{highest[1]} had been told {highest[0]}",
            )


def _number(post: Post) -> int:
    return int((post.acks[0].answer or {}).get("seq", 0))
