"""Tickets for tests: a key, and whatever somebody may send in place of a good one."""

from __future__ import annotations

import time
from pathlib import Path

from identity.tickets import Ticket, TicketKeys

KEY, OTHER_KEY = b"k" * 32, b"l" * 32
ANN = "u_QcaiGVMoA4STtIcJMfktFQ"


def make_ticket(
    video: str,
    left_s: float = 600,
    *,
    key: bytes = KEY,
    life_s: int = 600,
    author_id: str = ANN,
) -> str:
    """One that has so long to go; it is over if that is negative. Its token is of now."""
    now = int(time.time())
    ticket = Ticket(author_id, int(time.time() + left_s), life_s, now)
    return TicketKeys([key]).make(video, ticket)


def with_ticket_key(folder: Path, *keys: bytes) -> dict[str, str]:
    """What a process is told so that it takes these tickets; the keys are in a file."""
    path = folder / "tickets.key"
    path.write_bytes(b"\n".join(keys or (KEY,)))
    return {"TICKET_KEY_FILE": str(path)}


def hostile(video: str, key: bytes = KEY) -> dict[str, tuple[str, int, str]]:
    """Queries that get nobody in: what each is, and the status and code that it gets."""
    good, foreign = make_ticket(video, key=key), make_ticket(video + "x", key=key)
    foreign_over = make_ticket(video + "x", -5, key=key)
    flipped = good[:30] + ("A" if good[30] != "A" else "B") + good[31:]
    return {
        "none": ("", 401, "ticket_missing"),
        "another name": (f"Ticket={good}", 401, "ticket_missing"),
        "empty": ("ticket=", 401, "ticket_invalid"),
        "of another video": (f"ticket={foreign}", 403, "ticket_foreign"),
        "over, of another video": (f"ticket={foreign_over}", 403, "ticket_foreign"),
        "flipped": (f"ticket={flipped}", 401, "ticket_invalid"),
        "cut": (f"ticket={good[:-1]}", 401, "ticket_invalid"),
        "longer": (f"ticket={good}A", 401, "ticket_invalid"),
        "padded": (f"ticket={good}%3D", 401, "ticket_invalid"),
        "another key": (f"ticket={make_ticket(video, key=OTHER_KEY)}", 401, "ticket_invalid"),
        "10 KiB": (f"ticket={'x' * 10_240}", 401, "ticket_invalid"),
        "twice": (f"ticket={good}&ticket={good}", 401, "ticket_invalid"),
        "twice, encoded": (f"ticket={good}&%74icket={good}", 401, "ticket_invalid"),
        "good, then another": (f"ticket={good}&ticket=x", 401, "ticket_invalid"),
        "encoded twice": (f"ticket=%25{ord(good[0]):02X}{good[1:]}", 401, "ticket_invalid"),
        "not UTF-8": (f"ticket=%ff{good[1:]}", 401, "ticket_invalid"),
        "a NUL": (f"ticket={good}%00", 401, "ticket_invalid"),
        "behind a semicolon": (f"a=b;ticket={good}", 401, "ticket_missing"),
        "too many fields": ("&".join(["a=b"] * 40) + f"&ticket={good}", 401, "ticket_missing"),
    }  # fmt: skip


def encoded(ticket: str) -> str:
    """Every character of it percent-encoded: the same ticket."""
    return "".join(f"%{ord(character):02X}" for character in ticket)
