"""The rules of a video as they lie in a store: a row for each part.

Invariants: a row changes only under the condition that its version is the one that was read, so
whoever was first is seen by all others, whatever their clocks say. A part of the rules whose entry
is not known to be numbered (`since` is set) is changed by nobody before it is: so each state of it
has one entry, in the order of the states, and all earlier ones are numbered up to `since`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from writer.rules import NO_RULES, Rules, Sanction

VIDEO, FILTERS, WAITING = "", "\x01filters", "\x01waiting"  # parts that are no author's
BEFORE_AUTHORS = "\x02"
SITE = "*"  # in place of "", which is no key in a store; no video has this id


class VideoRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored of a video. settings_since, pin_since: a head from before the entry that says
    so, None if its number is known; settings_at, pin_at: the time in that entry; pin_before: pin
    and notice that count if it turns out that the comment cannot be pinned.
    """

    rules: Rules = NO_RULES
    settings_since: int | None = None
    settings_at: str = ""
    pin_since: int | None = None
    pin_at: str = ""
    pin_before: tuple[int, int] = (0, 0)


class SaidOfAuthor(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored of an author. since: as in VideoRules."""

    sanction: Sanction
    since: int | None = None


class Row(NamedTuple):
    """version: None if there is no row."""

    version: int | None
    body: bytes


class Change(NamedTuple):
    """A part, its version as it was read, and what it is to be."""

    part: str
    before: int | None
    body: bytes

    @property
    def row(self) -> Row:
        """The row when it is written."""
        return Row((self.before or 0) + 1, self.body)


NO_ROW = Row(None, b"")
NO_VIDEO_RULES = VideoRules()
_video = msgspec.json.Decoder(VideoRules)
_author = msgspec.json.Decoder(SaidOfAuthor)


@dataclass(frozen=True, slots=True)
class RuleRows:
    """What was read of a video: the rows by part, and what they say."""

    rows: dict[str, Row] = field(default_factory=dict)
    video: VideoRules = NO_VIDEO_RULES
    authors: dict[str, SaidOfAuthor] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: dict[str, Row]) -> RuleRows:
        """From rows; the filters are not decoded."""
        said = rows.get(VIDEO)
        authors = {
            part: _author.decode(row.body) for part, row in rows.items() if part > BEFORE_AUTHORS
        }
        return cls(rows, _video.decode(said.body) if said else NO_VIDEO_RULES, authors)

    def change(self, part: str, said: VideoRules | SaidOfAuthor | bytes) -> Change:
        """To write this in a part."""
        body = said if isinstance(said, bytes) else msgspec.json.encode(said)
        return Change(part, self.rows.get(part, NO_ROW).version, body)

    def changed(self, changes: Sequence[Change]) -> RuleRows:
        """As they are when these are written."""
        return RuleRows.of(self.rows | {change.part: change.row for change in changes})


def decode_sanction(body: bytes) -> Sanction:
    """What an author's part says."""
    return _author.decode(body).sanction
