"""A node, its store and all that is under way between them, moved step by step by a test; and the
model that judges every screen.

The model is one sentence: what a screen shows after its start is the store's log in order, each
entry once, except what a `gap` names; and a gap names only what could not be had: entries further
back than the replay bound, or gone from the store. A comment or its tombstone is shown as the log
says at some point, not before the newest entry that any screen has been shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from rtms_node.context import OnHead, OnRange
from rtms_node.limits import Limits
from rtms_node.testing import ManualClock, MemorySource, RecordingTransport
from rtms_node.viewer import Viewer
from tests.sse_parser import SseEvent, SseParser
from tests.unit.rtms_node.node_world import Node
from wire.entry import Removed, RemovedBy, encode_tombstone, entry_type, is_comment
from wire.ids import EventId, parse_event_id
from wire.internal import Batch, RangeReply

VIDEO = "v1"
LIMITS = Limits(max_replay=12, max_frames=20, max_held=6, max_write_bytes=400, slice_size=2)
EPOCHS = ("testepoch001", "testepoch002", "testepoch003")
Choose = Callable[[int, int], int]  # a whole number from low to high, both included


class Removals:
    """What notices said of each comment, to judge which of its two faces a screen may show."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, int], list[tuple[int, bool]]] = {}  # notice, whether shown

    def note(self, epoch: str, notice: int, seqs: Iterable[int], *, shown: bool) -> None:
        """From entry `notice` on these comments are shown, or not."""
        for seq in seqs:
            self._said.setdefault((epoch, seq), []).append((notice, shown))

    def check(self, event: SseEvent, event_id: EventId, wanted: bytes, shown_before: int) -> None:
        """The event of a comment, or of an entry that shows one again. shown_before: what some
        screen had shown before this step.
        """
        said = self._said.get((event_id.epoch, event_id.seq), [])
        before = [shown for notice, shown in said if notice <= shown_before]
        possible = {before[-1] if before else True}
        possible |= {shown for notice, shown in said if notice > shown_before}
        assert (event.type != "tombstone") in possible, "a notice that was shown says otherwise"
        whole = encode_tombstone(wanted) if event.type == "tombstone" else wanted
        assert event.data.encode() == whole


class Screen:
    """One viewer's stream, read by a parser that knows nothing of us. `place`: the last number that
    it has or was told to do without; `shown`: the last entry that it was sent; bad_cursor: the one
    it came with was never given out.
    """

    def __init__(self, cursor: EventId | None, *, bad_cursor: bool = False) -> None:
        self.transport = RecordingTransport()
        self.place = cursor
        self.shown: EventId | None = None
        self.bad_cursor = bad_cursor
        self.said_bye = False
        self._parser = SseParser()
        self._read = 0
        self._types: list[str] = []

    @property
    def open(self) -> bool:
        """Whether it still expects comments."""
        return not (self.transport.closed or self.transport.aborted)

    def take_new(self) -> list[SseEvent]:
        """The events since the last call."""
        chunk = bytes(self.transport.written[self._read :])
        self._read += len(chunk)
        return self._parser.feed(chunk)

    def judge(self, event: SseEvent, world: World) -> tuple[int, int, str]:
        """Move on by one event. A gap is returned (from, to, reason) for the model to judge."""
        history = world.history
        assert not self.said_bye, "nothing follows a bye"
        self._types.append(event.type)
        data = json.loads(event.data)
        event_id = parse_event_id(event.last_event_id)
        if event.type == "hello":
            assert self._types == ["hello"]
            if event_id is not None:  # else a reset follows
                assert self.place in (None, event_id)
            self.place = event_id
        elif event.type == "reset":
            assert self.bad_cursor or len(history) > 1, "a reset without a reason"
            self.place = event_id
        elif event.type in ("comment", "tombstone", "removed", "restored"):
            assert self.place is not None
            assert event_id == EventId(self.place.epoch, self.place.seq + 1)
            wanted = history[event_id.epoch][event_id.seq - 1]
            if entry_type(wanted) != "removed":  # else it has a text, which may go and come
                shown_before = world.shown.get(event_id.epoch, 0)
                world.removals.check(event, event_id, wanted, shown_before)
            else:
                assert (event.type, event.data.encode()) == (entry_type(wanted), wanted)
            self.place = self.shown = event_id
        elif event.type == "gap":
            assert self.place is not None
            assert event_id == EventId(self.place.epoch, data["to"])
            assert self.place.seq + 1 == data["from"] <= data["to"]
            self.place = event_id
            return data["from"], data["to"], data["reason"]
        else:
            assert event.type == "bye"
            self.said_bye = True
        return 0, 0, ""


class World:
    """`choose` decides whatever a step leaves open: a seed's chance, or hypothesis."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.clock = ManualClock()
        self.store = MemorySource(EPOCHS[0])
        node = Node(LIMITS, self.store, clock=self.clock)
        self.reads, self.hub = node.reads, node.hub
        self.history: dict[str, list[bytes]] = {EPOCHS[0]: []}  # comments as they were posted
        self.removals = Removals()
        self.shown: dict[str, int] = {}  # by epoch, the newest number that a screen has shown
        self.screens: list[Screen] = []
        self._in_flight: list[Any] = []
        self._heads: tuple[str, int, int, OnHead] | None = None  # a reply on its way
        self._ranges: list[tuple[RangeReply | None, OnRange]] = []  # replies on their way
        self._gaps: list[tuple[str, int, int, str]] = []

    @property
    def head(self) -> int:
        """The newest number in the store."""
        return self.store.head(VIDEO)

    # What writers and dispatchers do

    def post(self) -> None:
        """Some comments are committed; their forward is under way."""
        batch = self.store.post(VIDEO, self.choose(1, 6), text=f"{self.store.epoch} text")
        self.history[self.store.epoch] += map(bytes, batch.comments)
        self._in_flight.append(batch)

    def remove(self) -> None:
        """Some comments are removed; the notice is under way."""
        seqs = [seq for seq in self._comments() if self.choose(0, 2) == 0][:4]
        if seqs:
            again = [by for seq in seqs for by in self.store.repeated.get((VIDEO, seq), ())]
            self._notice(self.store.remove(VIDEO, Removed(tuple(seqs), RemovedBy.MODERATOR)))
            hidden = [*seqs, *again]
            self.removals.note(self.store.epoch, self.head, hidden, shown=False)

    def give_back(self) -> None:
        """A removed comment is restored; the notice is under way."""
        if gone := [seq for _, seq in self.store.removed]:
            seq = gone[self._pick(gone)]
            self._notice(self.store.restore(VIDEO, seq))
            self.removals.note(self.store.epoch, self.head, [seq], shown=True)

    def forward(self) -> None:
        """One forward arrives, whichever."""
        if self._in_flight:
            self.hub.ingest(self._in_flight.pop(self._pick(self._in_flight)))

    def forward_all(self) -> None:
        """What is under way arrives in order."""
        while self._in_flight:
            self.hub.ingest(self._in_flight.pop(0))

    def repeat(self) -> None:
        """One arrives and will arrive again."""
        if self._in_flight:
            self.hub.ingest(self._in_flight[self._pick(self._in_flight)])

    def overlap(self) -> None:
        """Another dispatcher sent the same comments in other batches."""
        if self.head:
            first = self.choose(max(1, self.head - 8), self.head)
            last = self.choose(first, min(self.head, first + 6))
            self.hub.ingest(self.store.batch(VIDEO, first, last))

    def lose(self) -> None:
        """A forward is lost."""
        if self._in_flight:
            self._in_flight.pop(self._pick(self._in_flight))

    # What the store does

    def retain(self) -> None:
        """Old comments are removed."""
        oldest = self.store.find_oldest(VIDEO)
        self.store.oldest[VIDEO] = max(oldest, self.choose(1, self.head + 1))

    def restore(self) -> None:
        """An older copy comes back under a new epoch; what it lacks is gone."""
        used = EPOCHS.index(self.store.epoch)
        if used + 1 < len(EPOCHS):
            kept = self.choose(0, self.head)
            self.store.restart(EPOCHS[used + 1])
            self.history[self.store.epoch] = []
            if kept:
                batch = self.store.post(VIDEO, kept, text=f"{self.store.epoch} text")
                self.history[self.store.epoch] += map(bytes, batch.comments)

    # What reads do: answered from the store at one moment, received at another

    def read_heads(self) -> None:
        """The store answers a head read; one is under way at a time, as in the real reader."""
        if self._heads is None and (on_head := self.reads.heads.pop(VIDEO, None)):
            self._heads = (self.store.epoch, self.head, self.reads.last_ticket, on_head)

    def receive_heads(self) -> None:
        """The answer arrives."""
        if self._heads is not None:
            (epoch, head, ticket, on_head), self._heads = self._heads, None
            on_head(epoch, head, ticket)

    def read_range(self) -> None:
        """The store answers a range read, or every writer fails."""
        if self.reads.ranges:
            video_id, after, through, on_range = self.reads.ranges.pop(0)
            fails = self.choose(0, 3) == 3
            reply = None if fails else self.store.read_range(video_id, after, through)
            self._ranges.append((reply, on_range))

    def receive_range(self) -> None:
        """One of the answers arrives, in any order."""
        if self._ranges:
            reply, on_range = self._ranges.pop(self._pick(self._ranges))
            on_range(reply)

    # What viewers do

    def join(self) -> None:
        """Without a cursor."""
        self._join(None, None)

    def resume(self) -> None:
        """With a cursor that was true once: this epoch's or an earlier one's."""
        known = [epoch for epoch in EPOCHS if epoch in self.history]
        epoch = known[self.choose(0, len(known) - 1)]
        cursor = EventId(epoch, self.choose(0, len(self.history[epoch])))
        self._join(str(cursor), cursor if epoch == self.store.epoch else None)

    def resume_ahead(self) -> None:
        """With a cursor that no store has given out."""
        self._join(str(EventId(self.store.epoch, self.head + 1_000)), None, bad_cursor=True)

    def leave(self) -> None:
        """Any viewer goes."""
        if self.screens:
            self.screens[self._pick(self.screens)].transport.close()

    def stall(self) -> None:
        """A viewer takes some more writes and then no more."""
        if self.screens:
            screen = self.screens[self._pick(self.screens)]
            if screen.open:
                screen.transport.full_after = self.choose(1, 3)

    def unstall(self) -> None:
        """All viewers read on."""
        for screen in self.screens:
            screen.transport.drain()

    # What the node does

    def trim(self) -> None:
        """The byte budget takes all frames."""
        for room in self.hub.rooms.values():
            room.drop_frames()

    def compare(self) -> None:
        """The anti-entropy check of the video."""
        self.hub.check(VIDEO)

    def tick(self) -> None:
        """Time goes by."""
        self.clock.advance((0.01, 0.2, 1.0)[self.choose(0, 2)])

    # The model

    def check(self) -> None:
        """Judge what the screens show now, and that what is counted is there."""
        rooms = self.hub.rooms.values()
        assert self.hub.frame_bytes == sum(room.frame_bytes for room in rooms)
        for screen in self.screens:
            for event in screen.take_new():
                first, last, reason = screen.judge(event, self)
                if reason:
                    assert screen.place is not None
                    self._gaps.append((screen.place.epoch, first, last, reason))
        for screen in self.screens:  # all at once: in one step they are written to in any order
            if screen.shown is not None:
                epoch, seq = screen.shown.epoch, screen.shown.seq
                self.shown[epoch] = max(self.shown.get(epoch, 0), seq)

    def settle(self) -> None:
        """All faults heal, all that was asked is answered: then every screen is at the head."""
        self.unstall()
        for _ in range(60):
            self.compare()
            self.read_heads()
            self.receive_heads()
            while self.reads.ranges or self._ranges:
                while self.reads.ranges:
                    video_id, after, through, on_range = self.reads.ranges.pop(0)
                    self._ranges.append((self.store.read_range(video_id, after, through), on_range))
                self.receive_range()
            self.clock.advance(0.6)
            self.unstall()
        self.check()
        self._judge_gaps()
        for screen in self.screens:
            if screen.open:
                assert screen.place == EventId(self.store.epoch, self.head)

    def _comments(self) -> list[int]:
        """Those that may be shown now, among the newest."""
        seqs = range(max(1, self.head - 15), self.head + 1)
        return [seq for seq in seqs if is_comment(self.store.find_raw(VIDEO, seq))]

    def _notice(self, batch: Batch) -> None:
        self.history[self.store.epoch] += map(bytes, batch.comments)
        self._in_flight.append(batch)

    def _judge_gaps(self) -> None:
        oldest = self.store.find_oldest(VIDEO)
        for epoch, _, last, reason in self._gaps:
            if reason == "retention":
                assert epoch != self.store.epoch or last < oldest, "it was there"
            else:
                assert last + LIMITS.max_replay <= len(self.history[epoch]), "it could be replayed"

    def _join(self, text: str | None, cursor: EventId | None, *, bad_cursor: bool = False) -> None:
        screen = Screen(cursor, bad_cursor=bad_cursor)
        viewer = Viewer(self.hub, screen.transport, "a", text, self.choose(0, 15))
        screen.transport.protocol = viewer
        self.screens.append(screen)
        self.hub.join(viewer, VIDEO)

    def _pick(self, among: list[Any]) -> int:
        return self.choose(0, len(among) - 1)
