"""Figures of a history and of processes that single rows compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cluster.cluster import Cluster
from tests.chaos.history import Deed, History
from tests.chaos.rule_book import REFUSED_BY_RULES


def lateness_s(history: History, begin: float, end: float, without: str = "") -> list[float]:
    """From the answer to the post to each screen, of comments acknowledged in this time; negative
    where the screen was faster. Viewers served by the node `without` are left out.
    """
    acked_at = {
        (post.video_id, (call.answer or {}).get("seq")): call.returned_at
        for post in history.posts
        for call in post.acks[:1]
        if begin <= call.returned_at < end
    }
    return [
        seen.at - acked_at[watch.video_id, seen.event.data["seq"]]
        for watch in history.watches
        if all(stream.node != without for stream in watch.streams)
        for seen in watch.seen()
        if seen.event.type == "comment"
        and (watch.video_id, seen.event.data["seq"]) in acked_at
        and watch.times[0] < acked_at[watch.video_id, seen.event.data["seq"]]
    ]


def answers_s(history: History, begin: float, end: float) -> list[float]:
    """How long the answers took to posts that were acknowledged in this time."""
    return [
        call.returned_at - call.invoked_at
        for post in history.posts
        for call in post.acks
        if begin <= call.returned_at < end
    ]


def moderation(history: History) -> str:
    """What a moderator did, for people; also that there was none."""
    if not history.moderated:
        return "no moderator"
    counts = {deed: [bool(d.acks) for d in history.decisions if d.deed is deed] for deed in Deed}
    done = (f"{sum(acked)} of {len(acked)} {deed.value}" for deed, acked in counts.items())
    calls = sum(len(decision.calls) for decision in history.decisions)
    return f"a moderator: {', '.join(done)}, by {calls} calls{_rulings(history)}{_held(history)}"


def _rulings(history: History) -> str:
    if not history.ruled:
        return ""
    acked = Counter(ruling.rule.value for ruling in history.rulings if ruling.acks)
    made = Counter(ruling.rule.value for ruling in history.rulings)
    purges = sum(bool(ruling.said.get("purge")) for ruling in history.rulings)
    done = (f"{acked[rule]} of {count} {rule}" for rule, count in sorted(made.items()))
    calls = sum(len(ruling.calls) for ruling in history.rulings)
    codes = Counter(
        call.code for post in history.posts for call in post.calls if call.code in REFUSED_BY_RULES
    )
    refused = ", ".join(f"{count} {code}" for code, count in sorted(codes.items()))
    return f"; rulings: {', '.join(done)} ({purges} purges), by {calls} calls; refused: {refused}"


def _held(history: History) -> str:
    if not history.screened:
        return ""
    held = sum(post.held for post in history.posts)
    acked = Counter(choice.approve for choice in history.choices if choice.acks)
    return f"; of {held} held {acked[True]} approved, {acked[False]} denied"


def quantile(figures: Sequence[float], share: float) -> float:
    """The figure that this share of them does not exceed. There must be some."""
    assert figures
    return sorted(figures)[int((len(figures) - 1) * share)]


def grown_mib(before: dict[str, int], after: dict[str, int]) -> float:
    """By how much the memory of the process that took most of it grew, in MiB."""
    return max(after[name] - before[name] for name in before) / 2**20


def resident_bytes(cluster: Cluster, name: str) -> int:
    """Memory of a process of this machine."""
    status = Path(f"/proc/{cluster.pid(name)}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
