"""P8: who asks for a stream gets its hello, or an honest bye, in time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.history import Event, History, Refusal, Stream, Watch
from tests.chaos.judge_due import Due
from tests.chaos.verdict import Ledger


@dataclass(frozen=True, slots=True)
class _Ask:
    """One time that a viewer asked. `until`: when it asked again, left, or was looked at no more.
    `answer`: the first event of the stream. Without one there is a stream that ended, a refusal, or
    nothing yet.
    """

    at: float
    until: float
    answered_at: float = 0.0
    answer: Event | None = None
    refusal: Refusal | None = None
    stream: Stream | None = None


def check_connects(history: History, ledger: Ledger) -> None:
    """Note streams that did not come, or came late, though nothing was wrong."""
    joins, comments = Due.of_joins(history), Due.of_comments(history)
    for watch in history.watches:
        for refusal in watch.refused:
            ledger.expect(
                "P8",
                comments.is_troubled(refusal.tried_at, refusal.failed_at),
                f"{watch.name} of {watch.video_id} got no stream though nothing was wrong, at "
                f"{refusal.failed_at - history.began_at:.3f} s: {refusal.why}",
            )
        for ask in _asks(history, watch):
            if wrong := _what_is_wrong(ask, joins):
                ledger.break_(
                    "P8", f"{watch.name} of {watch.video_id} asked for a stream at "
                    f"{ask.at - history.began_at:.3f} s and {wrong}",
                )  # fmt: skip
            ledger.judge("P8")


def _asks(history: History, watch: Watch) -> Iterator[_Ask]:
    end = watch.left_at or max(history.looked_until, history.ended_at)
    # Before the beginning hundreds came at once, and the run waited for all of them.
    asked = [at for at in watch.asked if history.began_at <= at < end]
    refusals = {refusal.tried_at: refusal for refusal in watch.refused}
    opened = [stream.opened_at for stream in watch.streams]
    for at, until in zip(asked, [*asked, end][1:], strict=True):
        event, stream = bisect_left(watch.times, at), bisect_left(opened, at)
        if event < len(watch.times) and watch.times[event] <= until:
            yield _Ask(at, until, watch.times[event], watch.events[event])
        elif stream < len(opened) and opened[stream] <= until:
            yield _Ask(at, until, stream=watch.streams[stream])
        else:
            yield _Ask(at, until, refusal=refusals.get(at))


def _what_is_wrong(ask: _Ask, due: Due) -> str:
    """Nothing: "". A drain is no trouble to anybody: who is told of it is welcome elsewhere."""
    deadline = due.after(ask.at)
    if ask.answer is not None:
        if ask.answered_at > deadline:
            return f"got it {ask.answered_at - ask.at:.3f} s later"
        reason = ask.answer.data.get("reason") if ask.answer.type == "bye" else "drain"
        if reason != "drain" and not due.is_troubled(ask.at, ask.answered_at):
            return f"was sent away ({reason}) though nothing was wrong"
        return ""
    closed_at = ask.stream.closed_at if ask.stream else None
    lost = closed_at is not None and closed_at < ask.until
    if closed_at is not None and lost and not due.is_troubled(ask.at, closed_at):
        return f"lost it before the hello, {closed_at - ask.at:.3f} s later"
    ended_at = closed_at or (ask.refusal.failed_at if ask.refusal else ask.until)
    return f"had none {ended_at - ask.at:.3f} s later" if ended_at > deadline else ""
