"""Before a part starts: whether its ports are free."""

from __future__ import annotations

from cluster.errors import PortTaken
from cluster.parts import Kind, Part
from cluster.ports import is_free
from cluster.settings import Settings


def require_free_ports(part: Part, settings: Settings) -> None:
    """Raises PortTaken with a hint if another program listens where `part` is to, on this
    machine.
    """
    host = settings.bind if part.kind is Kind.HAPROXY else part.host
    for use, port in part.ports.items():
        if not is_free(host, port):
            if part.kind is Kind.HAPROXY:
                hint = f"stop that program, or choose another port with {use.upper()}_PORT="
            else:
                hint = "stop that program, or everything here (`make cluster-down`)"
            raise PortTaken(part.name, use, port, hint)
