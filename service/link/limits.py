"""Times and bounds of links, the same at both ends."""

from __future__ import annotations

from dataclasses import dataclass

from service.pulse import PULSE_S

PING_EVERY_S = 1.0  # without anything else to say
ACK_AFTER_S = 0.25  # so that one acknowledgement covers what came meanwhile
# A caller that has heard nothing for so long takes its peer for dead: with something in flight,
# which a peer that lives acknowledges after ACK_AFTER_S, and without.
SILENT_IN_FLIGHT_S, SILENT_S = 1.0, 2.5
LATE_S = 1.2 * PULSE_S  # between two looks at the clock: this process stood still meanwhile
CALLER_SILENT_S = 10.0  # the callee is in no hurry: it only frees what the connection holds
CLOSE_WITHIN_S = 1.0
MAX_PER_CALLER = 2  # connections: one, and the one that replaces it


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """window_bytes: of frames that are sent and not acknowledged, but one frame always fits.
    ack_deadline_s: of the oldest of them. lifetime_s: of one connection; the caller renews it
    earlier, the callee ends it then.
    """

    window_bytes: int = 4 * 1024 * 1024
    ack_deadline_s: float = 2.0
    lifetime_s: float = 600.0
