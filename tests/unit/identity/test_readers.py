from __future__ import annotations

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from identity.caller import ANONYMOUS, Caller
from identity.readers import Readers
from identity.roles import Roles
from identity.ticket_file import LOOK_EVERY_S, TicketFile, load_ticket_keys
from wire.errors import (
    LivecommentsError,
    NotFound,
    PermissionDenied,
    TicketExpired,
    TicketForeign,
    TicketInvalid,
    TicketMissing,
    TokenMissing,
)

ANN = "u_QcaiGVMoA4STtIcJMfktFQ"
OLD, NEW = "o" * 32, "n" * 32


class Desk:
    """Readers with a file of keys and a clock, in seconds, for both."""

    def __init__(self, folder: Path, *, required: bool = True) -> None:
        self.at = 1000.0
        self.path = folder / "tickets.key"
        self.path.write_text(OLD)
        keys = load_ticket_keys(self.path)
        file = TicketFile(self.path, keys, lambda: self.at)
        self.readers = Readers(required=required, file=file, life_s=100, now=lambda: self.at)

    def ticket(self, video_id: str = "v1") -> str:
        return self.readers.issue(video_id, ANN, self.at)[0]

    def replace(self, text: str) -> None:
        """Written aside and renamed, and then it is time to look."""
        aside = self.path.with_suffix(".new")
        aside.write_text(text)
        os.replace(aside, self.path)
        self.at += LOOK_EVERY_S


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_ticket_counts_until_its_end(desk: Desk) -> None:
    ticket, expires_at = desk.readers.issue("v1", ANN, 990.0)
    assert expires_at == 1100
    desk.at = 1099.9
    for check in (desk.readers.check_read, desk.readers.check_stream):
        found = check([ticket], "v1")
        assert found is not None
        assert found.author_id == ANN
    assert desk.readers.issued == 1


def test_a_stream_is_not_refused_for_a_ticket_that_is_over(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.at += 100
    with pytest.raises(TicketExpired):
        desk.readers.check_read([ticket], "v1")
    found = desk.readers.check_stream([ticket], "v1")
    assert found is not None
    assert desk.readers.seconds_left(found, 0.5) <= 0


def test_what_is_wrong_is_counted_by_its_code(desk: Desk) -> None:
    ticket = desk.ticket()
    wrong: list[tuple[list[str], str, type[LivecommentsError]]] = [
        ([], "v1", TicketMissing),
        (["x"], "v1", TicketInvalid),
        ([""], "v1", TicketInvalid),
        ([ticket, ticket], "v1", TicketInvalid),
        ([ticket], "v2", TicketForeign),
    ]
    for sent, video_id, error in wrong:
        with pytest.raises(error):
            desk.readers.check_stream(sent, video_id)
    assert desk.readers.refused == {
        "ticket_missing": 1,
        "ticket_invalid": 3,
        "ticket_foreign": 1,
    }


def test_where_reading_is_open_a_ticket_that_is_sent_is_checked(tmp_path: Path) -> None:
    readers = Desk(tmp_path, required=False).readers
    assert readers.check_stream([], "v1") is None
    assert readers.check_read([], "v1") is None
    with pytest.raises(TicketInvalid):
        readers.check_stream(["x"], "v1")
    with pytest.raises(TicketInvalid):
        readers.check_read(["x"], "v1")


def test_without_keys_there_are_no_tickets() -> None:
    readers = Readers()
    assert readers.check_stream([], "v1") is None
    with pytest.raises(TicketInvalid):
        readers.check_stream(["A" * 72], "v1")
    with pytest.raises(NotFound):
        readers.issue("v1", ANN, 0.0)


def test_a_replaced_file_counts_soon_and_not_at_once(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.replace(f"{NEW}\n{OLD}")
    desk.at -= LOOK_EVERY_S / 2
    assert desk.ticket()[:5] == ticket[:5], "signed by the key that it knows"
    desk.at += LOOK_EVERY_S / 2
    newer = desk.ticket()
    assert newer[:5] != ticket[:5]
    desk.readers.check_read([ticket], "v1")
    desk.replace(NEW)
    desk.readers.check_read([newer], "v1")
    with pytest.raises(TicketInvalid):
        desk.readers.check_read([ticket], "v1")


@pytest.mark.parametrize("text", ["", "short", "\n".join([OLD] * 3)])
def test_a_file_that_cannot_be_used_changes_nothing_and_is_logged(desk: Desk, text: str) -> None:
    ticket = desk.ticket()
    with capture_logs() as logs:
        desk.replace(text)
        desk.readers.check_read([ticket], "v1")
        desk.path.unlink()
        for _ in range(3):
            desk.at += LOOK_EVERY_S
            desk.readers.check_read([ticket], "v1")
        desk.replace(NEW)
        with pytest.raises(TicketInvalid):
            desk.readers.check_read([ticket], "v1")
    assert [line["event"] for line in logs] == [
        "ticket_keys_not_read", "ticket_keys_not_read", "ticket_keys_read",
    ]  # fmt: skip
    assert OLD not in str(logs)


def test_who_may_read() -> None:
    """Whose token grants nothing reads all; else it grants what may be read."""
    Caller("u_a").require_reader("v1")
    some = Caller("u_a", roles=Roles({"v1": ["viewer"], "launch-*": ["moderator"]}))
    some.require_reader("v1")
    some.require_reader("launch-9")
    with pytest.raises(PermissionDenied):
        some.require_reader("v2")
    with pytest.raises(TokenMissing):
        ANONYMOUS.require_reader("v1")
