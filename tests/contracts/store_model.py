"""What every store must answer, in forty lines: lists in memory, and no cleverness.

Invariants: a video is the list of its comments; a key stands for the first comment that was written
under it. Two groups at once are as one after the other, in either order.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from wire.comment import Comment, NewComment
from writer.store import Appended, Item, Outcome, Page

Said = tuple[Outcome, int]


@dataclass
class VideoModel:
    """One video. `oldest`: the first number that retention has left. `spent`: keys of comments that
    it took; keys are promised for less long than comments, so nobody may ask for those.
    """

    comments: list[NewComment] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    oldest: int = 1

    @property
    def head(self) -> int:
        """The newest number."""
        return len(self.comments)

    def append(self, items: Sequence[Item]) -> list[Said]:
        """What a store must say to a group."""
        return [self._append_one(item) for item in items]

    def retain(self, through: int) -> None:
        """Comments up to `through` go."""
        self.oldest = max(self.oldest, through + 1)
        self.spent |= {key for key, seq in self.keys.items() if seq < self.oldest}

    def askable(self, items: Sequence[Item]) -> list[Item]:
        """The same comments, without the keys that are spent."""
        return [
            msgspec.structs.replace(item, key=None) if item.key in self.spent else item
            for item in items
        ]

    def between(self, after: int, through: int) -> list[tuple[int, NewComment]]:
        """Numbers and comments with after < seq <= through that are still there."""
        first = max(after + 1, self.oldest)
        return [(seq, self.comments[seq - 1]) for seq in range(first, min(through, self.head) + 1)]

    def _append_one(self, item: Item) -> Said:
        known = self.keys.get(item.key) if item.key is not None else None
        if known is not None:
            same = self.comments[known - 1] == item.comment
            return (Outcome.REPLAYED, known) if same else (Outcome.CONFLICT, 0)
        self.comments.append(item.comment)
        if item.key is not None:
            self.keys[item.key] = self.head
        return Outcome.NEW, self.head


class StoreModel:
    """The videos of one example; their names are unknown to the model."""

    def __init__(self, epoch: str, *, oldest_lags: bool = False) -> None:
        self.epoch = epoch
        self._oldest_lags = oldest_lags
        self.videos: dict[str, VideoModel] = {}

    def video(self, video_id: str) -> VideoModel:
        """A video, empty if it is new."""
        return self.videos.setdefault(video_id, VideoModel())

    def check_append(self, video_id: str, items: Sequence[Item], got: list[Appended]) -> None:
        """One group and what the store said."""
        assert said(got) == self.video(video_id).append(items)
        self._check_raws(video_id, got)

    def check_race(
        self, video_id: str, groups: Sequence[Sequence[Item]], got: Sequence[list[Appended]]
    ) -> None:
        """Two groups at once: some order must explain both answers."""
        before = self.video(video_id)
        for first, second in ((0, 1), (1, 0)):
            video = copy.deepcopy(before)
            wanted = {first: video.append(groups[first]), second: video.append(groups[second])}
            if [said(one) for one in got] == [wanted[0], wanted[1]]:
                self.videos[video_id] = video
                for one in got:
                    self._check_raws(video_id, one)
                return
        raise AssertionError(f"no order explains {[said(one) for one in got]}")

    def check_page(self, video_id: str, page: Page, after: int, through: int) -> None:
        """A page of comments with after < seq <= through."""
        video = self.video(video_id)
        wanted = video.between(after, through)
        assert [self._read(video_id, raw) for raw in page.comments] == wanted
        assert page.head == video.head
        if wanted:
            assert page.first_seq == wanted[0][0]
        if self._oldest_lags and len(wanted) >= min(through, video.head) - after:
            assert 1 <= page.oldest <= video.oldest  # nothing that was asked for is missing
        else:
            assert page.oldest == video.oldest

    def _check_raws(self, video_id: str, got: list[Appended]) -> None:
        comments = self.video(video_id).comments
        for one in got:
            if one.outcome is Outcome.CONFLICT:
                assert one.raw == b""
            else:
                assert self._read(video_id, one.raw) == (one.seq, comments[one.seq - 1])

    def _read(self, video_id: str, raw: bytes) -> tuple[int, NewComment]:
        comment = msgspec.json.decode(raw, type=Comment)
        assert (comment.id, comment.video_id) == (f"{self.epoch}-{comment.seq}", video_id)
        return comment.seq, NewComment(comment.author, comment.text)


def said(got: list[Appended]) -> list[Said]:
    """Outcomes and numbers."""
    return [(one.outcome, one.seq) for one in got]
