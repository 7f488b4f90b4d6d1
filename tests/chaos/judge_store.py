"""P1, P2, P3 and the stored half of P5: what was posted, what was answered, what is stored."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.chaos.history import Decision, Deed, History, Outcome, Post
from tests.chaos.judge_log import TOMBSTONE, Entry, Log, frame_of, kind_of
from tests.chaos.rule_book import REFUSED_BY_RULES
from tests.chaos.verdict import Ledger

_FIELDS = {"id", "video_id", "seq", "author", "text", "created_at"}


def check_store(history: History, log: Log, ledger: Ledger) -> None:
    """Note what holds of posts and of the stored entries. A comment that was removed counts as the
    one that its author was told.
    """
    by_text: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for video_id, stored in history.stored.items():
        _check_numbers(video_id, stored, ledger)
        for comment in filter(None, (log.comment(video_id, entry) for entry in stored)):
            by_text[video_id, comment["text"]].append(comment)
    for post in history.posts:
        copies = by_text.get((post.video_id, post.text), [])
        _check_acks(post, log, ledger)
        _check_key(post, copies, ledger)
        _check_refusals(post, log, ledger)
    _check_origin(history, by_text, ledger)
    _check_order_of_time(history, ledger)


def _check_acks(post: Post, log: Log, ledger: Ledger) -> None:
    for call in post.acks:
        told = call.answer or {}
        kept = log.entry(post.video_id, told.get("seq", 0))
        ledger.expect(
            "P1",
            (kept == told or _is_removed(told, kept, log)) and set(told) == _fields(post),
            f"an untrue {call.status}: key {post.key} was told {told}, stored is {kept}",
        )
        ledger.expect("P1", post.valid, f"key {post.key} is no comment, and was told {told}")
        mine = told.get("text") == post.text and told.get("author") == post.author
        mine &= told.get("author_id", "") == post.author_id
        ledger.expect("P1", mine, f"key {post.key} posted {post.text!r} and was told {told}")


def _fields(post: Post) -> set[str]:
    return _FIELDS | {"author_id"} if post.author_id else _FIELDS


def _is_removed(told: Entry, kept: Entry | None, log: Log) -> bool:
    """Whether a tombstone is in its place, with a notice that names it; or without one, if a call
    that was never answered may have left it half removed.
    """
    if kept is None or kind_of(kept) != TOMBSTONE or frame_of(kept) != frame_of(told):
        return False
    target = (told["video_id"], told["seq"])
    names = (kind_of(notice) for notice in log.notices.get(target, ()))
    return Deed.REMOVE.value in names or log.is_open(target, Deed.REMOVE)


def _check_key(post: Post, copies: Sequence[Entry], ledger: Ledger) -> None:
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
        elif call.outcome in (Outcome.UNKNOWN, Outcome.HELD):
            may_be_there = True
    seqs = sorted({comment["seq"] for comment in copies})
    if copies and number is not None and number not in seqs:
        seqs.append(number)
    ledger.expect("P3", len(seqs) <= 1, f"key {post.key} is stored {len(seqs)} times: {seqs}")
    for other in {comment["author"] for comment in copies} - {post.author}:
        ledger.break_("P5", f"key {post.key} of {post.author} is stored as said by {other}")
    if copies and not may_be_there:
        calls = [f"{call.outcome.value} ({call.status})" for call in post.calls]
        ledger.break_("P5", f"refused and stored: {copies[0]} after {calls}")


def _check_refusals(post: Post, log: Log, ledger: Ledger) -> None:
    """Whoever sends what may be sent is at fault in nothing, whatever else is broken; 429 says that
    it came too often, 410 that the comment was removed. What rules refuse is looked at in
    `judge_rulings`, what filters hold in `judge_held`; but nothing that is stored is decided by
    rules again.
    """
    if not post.valid or post.held:
        return
    acked, gone_at = False, math.inf
    if post.acks:
        gone_at = log.removed_at((post.video_id, _number(post)))
    for call in post.calls:
        ruled = call.code in REFUSED_BY_RULES
        at_fault = 400 <= call.status < 500 and call.status != 429
        at_fault &= not (call.status == 410 and gone_at <= call.returned_at)
        if acked and (at_fault or ruled):
            ledger.break_("P3", f"key {post.key} got {call.status} after it had been stored")
        elif at_fault and not ruled:
            ledger.break_("P8", f"refused a valid comment: {call.status} for key {post.key}")
        ledger.judge("P8")
        acked = acked or call.outcome is Outcome.ACKED
        if call.outcome is Outcome.UNKNOWN and not post.acks:
            # It may have been stored, under a number that nobody was told: only a purge finds it.
            gone_at = log.purged_at(post.video_id, post.author_id)


def _check_numbers(video_id: str, stored: Sequence[Entry], ledger: Ledger) -> None:
    epochs = {str(entry["id"]).rpartition("-")[0] for entry in stored}
    ledger.expect("P2", len(epochs) <= 1, f"{video_id} has entries of epochs {sorted(epochs)}")
    ledger.judge("P2", len(stored))
    for wanted, entry in enumerate(stored, 1):
        seq, tail = entry["seq"], str(entry["id"]).rpartition("-")[2]
        if seq != wanted or tail != str(wanted) or entry["video_id"] != video_id:
            around = [other["seq"] for other in stored[max(wanted - 4, 0) : wanted + 3]]
            ledger.break_("P2", f"{video_id}: {wanted} is missing in ... {around} ... ({entry})")
            return


def _check_origin(
    history: History, by_text: Mapping[tuple[str, str], Sequence[Entry]], ledger: Ledger
) -> None:
    posted = {(post.video_id, post.text) for post in history.posts}
    ledger.judge("P5", len(by_text))
    for (video_id, text), copies in by_text.items():
        if (video_id, text) not in posted:
            ledger.break_("P5", f"stored but never posted: {copies[0]}")


def _check_order_of_time(history: History, ledger: Ledger) -> None:
    """What was answered before another post was sent has the lower number; also the notice of a
    removal, and a pin.
    """
    by_video: dict[str, list[Post]] = defaultdict(list)
    answers: dict[str, list[tuple[float, int, str]]] = defaultdict(list)
    for post in history.posts:
        if post.acks:
            by_video[post.video_id].append(post)
            answers[post.video_id].append((post.acks[0].returned_at, _number(post), post.key))
    for one in history.moderation:
        for at, notice in one.notices:
            what = f"removal of {one.targets}" if isinstance(one, Decision) else "a pin"
            answers[one.video_id].append((at, int(notice.get("seq", 0)), what))
    for video_id, posts in by_video.items():
        told_first, highest, done = sorted(answers[video_id]), (0, ""), 0
        for post in sorted(posts, key=lambda post: post.invoked_at):
            while done < len(told_first) and told_first[done][0] < post.invoked_at:
                highest = max(highest, told_first[done][1:])
                done += 1
            ledger.expect(
                "P2",
                _number(post) > highest[0] or post.key == highest[1],
                f"{video_id}: key {post.key} got {_number(post)}, though it was sent after key "
                f"{highest[1]} had been told {highest[0]}",
            )


def _number(post: Post) -> int:
    return int((post.acks[0].answer or {}).get("seq", 0))
