"""From the server's JSON to events.

Members that are not known are skipped, types of entries that are not known give None. What lacks a
member that it must have raises ValueError: then it is not of our server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from livecomments_client.events import (
    Comment,
    Entry,
    Pinned,
    Removed,
    Restored,
    Sanctioned,
    Settings,
    SettingsChanged,
    Source,
    Tombstone,
    Viewers,
)

T = TypeVar("T")
Json = Mapping[str, Any]


def parse_object(text: str | bytes) -> Json:
    """A JSON object. Raises ValueError."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("this is no JSON object")
    return found


def parse_time(text: str) -> datetime:
    """RFC 3339. Raises ValueError."""
    # Python 3.10 does not read the Z.
    time = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    if time.tzinfo is None:
        raise ValueError("this time has no zone")
    return time


def parse_optional_time(text: str | None) -> datetime | None:
    """The same, or None. Raises ValueError."""
    return None if text is None else parse_time(text)


def comment_of(data: Json, source: Source = "stream") -> Comment:
    """Raises ValueError, as do all of these."""
    return _checked(_comment, data, source)


def entry_of(kind: str, data: Json, source: Source = "stream") -> Entry | None:
    """The entry of this type; None if the type is not known."""
    decode = _ENTRIES.get(kind)
    return None if decode is None else _checked(decode, data, source)


def settings_of(data: Json, etag: str | None = None) -> Settings:
    """All settings, those that are missing as by default."""
    names = ("slow_mode_s", "closed", "members_only", "links", "guests", "repeats")
    return Settings(**{name: data[name] for name in names if name in data}, etag=etag)


def viewers_of(data: Json) -> Viewers:
    """Counts of viewers."""
    return _checked(lambda data, _: Viewers(int(data["now"]), int(data["peak"])), data, "stream")


def _checked(decode: Callable[[Json, Source], T], data: Json, source: Source) -> T:
    try:
        return decode(data, source)
    except (AttributeError, KeyError, TypeError) as exc:
        raise ValueError(f"this is no such object: {exc!r}") from exc


def _comment(data: Json, source: Source) -> Comment:
    return Comment(
        **_numbered(data),
        author=data["author"],
        text=data["text"],
        author_id=data.get("author_id"),
        badges=tuple(data.get("badges", ())),
        guest=data.get("guest", False),
        source=source,
    )


def _numbered(data: Json) -> dict[str, Any]:
    known = {name: data[name] for name in ("id", "video_id", "seq")}
    return known | {"created_at": parse_time(data["created_at"])}


def _unnumbered(data: Json) -> dict[str, Any]:
    """Of an entry whose event may also come without a number."""
    numbered = _numbered(data)
    del numbered["video_id"]
    return numbered


def _removed(data: Json, source: Source) -> Removed:
    targets = tuple(int(target) for target in data["targets"])
    reason = data.get("reason")
    return Removed(**_numbered(data), targets=targets, by=data["by"], reason=reason, source=source)


def _restored(data: Json, source: Source) -> Restored:
    return Restored(**_numbered(data), comment=_comment(data["comment"], source), source=source)


def _sanctioned(data: Json, source: Source) -> Sanctioned:
    return Sanctioned(
        **_numbered(data),
        author_id=data["author_id"],
        until=parse_optional_time(data["until"]),
        purge=data["purge"],
        source=source,
    )


def _tombstone(data: Json, source: Source) -> Tombstone:
    return Tombstone(**_numbered(data), source=source)


def _settings(data: Json, source: Source) -> SettingsChanged:
    return SettingsChanged(settings_of(data), **_unnumbered(data), source=source)


def _pinned(data: Json, source: Source) -> Pinned:
    comment = data["comment"]
    pin = None if comment is None else _comment(comment, source)
    return Pinned(pin, **_unnumbered(data), source=source)


_ENTRIES: dict[str, Callable[[Json, Source], Entry]] = {
    "comment": _comment,
    "removed": _removed,
    "restored": _restored,
    "sanctioned": _sanctioned,
    "tombstone": _tombstone,
    "settings": _settings,
    "pinned": _pinned,
}
