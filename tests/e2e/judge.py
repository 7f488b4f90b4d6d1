"""Judges a history for the promises P1 to P5 (P7 follows: all screens are held against the same
store).

Each broken promise is one line that begins with its name; an empty list means that all held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.e2e.history import History, Outcome, Seen, Watch


def judge(history: History) -> list[str]:
    """Everything that is wrong, at most a few lines for each promise."""
    return [
        *_first(_untrue_acks(history)),
        *_first(_holes(history)),
        *_first(_keys_with_two_numbers(history)),
        *_first(_phantoms(history)),
        *_first(line for watch in history.watches for line in _broken_screen(watch, history)),
    ]


def late_deliveries(history: History, since: float, within_s: float) -> list[str]:
    """Comments acked after `since` that some viewer saw later than `within_s` after the later of
    the ack and `since + within_s`: recovery took longer than promised.
    """
    acked_at = {
        (post.video_id, reply["seq"]): post.returned_at
        for post in history.posts
        for reply in post.replies
        if post.returned_at >= since
    }
    lines = []
    for watch in history.watches:
        for seen in watch.events:
            key = (watch.video_id, seen.data.get("seq"))
            if seen.type == "comment" and key in acked_at:
                late_s = seen.at - acked_at[key]
                if late_s > within_s:
                    lines.append(f"P8 {key} was seen {late_s:.1f} s late")
    return lines


def _first(lines: Iterator[str], count: int = 3) -> list[str]:
    found = list(lines)
    more = (
        [f"{found[0].split()[0]} ... and {len(found) - count} more"] if len(found) > count else []
    )
    return found[:count] + more


def _untrue_acks(history: History) -> Iterator[str]:
    for post in history.posts:
        for reply in post.replies:
            stored = history.stored.get(post.video_id, [])
            seq = reply["seq"]
            if not 1 <= seq <= len(stored) or stored[seq - 1] != reply:
                yield f"P1 acked but not stored: {reply}"
            elif reply["text"] != post.text:
                yield f"P1 acked with another text: {reply}"


def _holes(history: History) -> Iterator[str]:
    for video_id, stored in history.stored.items():
        numbers = [comment["seq"] for comment in stored]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"P2 {video_id} has numbers {numbers[:20]}..."


def _keys_with_two_numbers(history: History) -> Iterator[str]:
    texts = Counter(comment["text"] for comments in history.stored.values() for comment in comments)
    for post in history.posts:
        if len({reply["seq"] for reply in post.replies}) > 1:
            yield f"P3 key {post.key} was given several numbers: {post.replies}"
        if texts[post.text] > 1:
            yield f"P3 key {post.key} is stored {texts[post.text]} times"


def _phantoms(history: History) -> Iterator[str]:
    wanted = {
        (post.video_id, post.text) for post in history.posts if post.outcome is not Outcome.REFUSED
    }
    for video_id, comments in history.stored.items():
        for comment in comments:
            if (video_id, comment["text"]) not in wanted:
                yield f"P5 stored but never posted: {comment}"


def _broken_screen(watch: Watch, history: History) -> Iterator[str]:
    if watch.fatal is not None:
        yield f"P4 a browser would have given up on {watch.video_id}: {watch.fatal}"
    stored = history.stored.get(watch.video_id, [])
    place: int | None = None
    for seen in watch.events:
        if seen.type == "hello":
            start = _number(seen)
            if place is not None and start != place:
                yield f"P4 {watch.video_id}: hello at {start}, the viewer was at {place}"
            place = start if place is None else place
        elif seen.type == "comment":
            seq = seen.data["seq"]
            if place is None or seq != place + 1:
                yield f"P4 {watch.video_id}: comment {seq} after {place}"
            if not 1 <= seq <= len(stored) or stored[seq - 1] != seen.data:
                yield f"P5 {watch.video_id}: shown but not stored: {seen.data}"
            place = seq
        elif seen.type == "gap":
            if seen.data["from"] != (place or 0) + 1:
                yield f"P4 {watch.video_id}: gap {seen.data} after {place}"
            place = seen.data["to"]
        elif seen.type == "reset":
            yield f"P4 {watch.video_id}: a false reset: {seen.data}"
    if place != len(stored):
        yield f"P4 {watch.video_id}: ended at {place}, the head is {len(stored)}"


def _number(seen: Seen) -> int:
    return int(seen.id.partition("-")[2])
