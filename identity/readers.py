"""Who may read a video: anybody, or whoever has a ticket for it.

Invariants: a ticket that is sent is checked, also where none is needed: whoever sends one believes
that it counts. What was refused is counted by its code, and nothing of it is repeated.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from identity.revocations import Revocations
from identity.ticket_file import TicketFile
from identity.tickets import Ticket
from wire.errors import (
    LivecommentsError,
    NotFound,
    TicketExpired,
    TicketForeign,
    TicketInvalid,
    TicketMissing,
)

PARAMETER = "ticket"  # of the query
LIFE_S = 4 * 3600
MAX_LIFE_S = 24 * 3600


class Readers:
    """One of a process. `required`: whether reading needs a ticket (or, where headers can be sent,
    a token). `file` is None where no keys are configured: every ticket is then refused.
    """

    def __init__(
        self,
        *,
        required: bool = False,
        file: TicketFile | None = None,
        life_s: int = LIFE_S,
        revocations: Revocations | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.required = required
        self.revocations = revocations or Revocations()
        self._file, self._life_s, self._now = file, life_s, now
        self.issued = 0
        self.refused: Counter[str] = Counter()

    def issue(self, video_id: str, author_id: str, token_at: float) -> tuple[str, int]:
        """A ticket, and the second at which it ends (wall clock). token_at: when the token of whom
        asks for it was issued. Raises NotFound where there are no keys.
        """
        if self._file is None:
            raise NotFound("no keys of tickets are configured here")
        expires_at = int(self._now()) + self._life_s
        self.issued += 1
        ticket = Ticket(author_id, expires_at, self._life_s, int(max(token_at, 0.0)))
        return self._file.keys.make(video_id, ticket), expires_at

    def check_stream(self, sent: Sequence[str], video_id: str) -> Ticket | None:
        """The ticket of a stream, which may be over: that is no refusal, since an EventSource would
        give up for ever. `sent`: all values of PARAMETER. None if there is none and none is needed.

        Raises TicketMissing, TicketInvalid, TicketForeign.
        """
        try:
            if not sent and self.required:
                raise TicketMissing()
            return self._read(sent, video_id)
        except (TicketMissing, TicketInvalid, TicketForeign) as exc:
            raise self._counted(exc) from None

    def check_read(self, sent: Sequence[str], video_id: str) -> Ticket | None:
        """The ticket of any other request, None if there is none. Raises TicketInvalid,
        TicketForeign, TicketExpired.
        """
        try:
            ticket = self._read(sent, video_id)
            if ticket is not None and ticket.expires_at <= self._now():
                raise TicketExpired()
        except (TicketInvalid, TicketForeign, TicketExpired) as exc:
            raise self._counted(exc) from None
        return ticket

    def seconds_left(self, ticket: Ticket, chance: float) -> float:
        """For how long a stream with this ticket may go on from now; see Ticket."""
        return ticket.seconds_left(self._now(), chance)

    def _read(self, sent: Sequence[str], video_id: str) -> Ticket | None:
        if not sent:
            return None
        if len(sent) > 1:
            raise TicketInvalid("it is given twice")
        if self._file is None:
            raise TicketInvalid("no keys of tickets are configured here")
        ticket = self._file.keys.read(sent[0], video_id)
        if self.revocations.revokes(*ticket.issue):
            raise TicketInvalid("it was revoked")
        return ticket

    def _counted(self, error: LivecommentsError) -> LivecommentsError:
        self.refused[error.code] += 1
        return error
