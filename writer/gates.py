"""The rates of addresses at the public edge: the first thing that a request passes."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from prometheus_client import Counter

from service.edge import PublicEdge
from service.public_http import client_address
from wire.errors import TooManyRequests
from writer.metrics import WriterMetrics
from writer.rate_limit import RateLimit, Rates


class Gate:
    """Lets a request in, or raises TooManyRequests and counts."""

    def __init__(self, per_second: float, refused: Counter, edge: PublicEdge) -> None:
        self._rate, self._refused, self._edge = RateLimit(per_second), refused, edge

    def __call__(self, request: web.Request) -> None:
        """One request of its address."""
        try:
            self._rate.take(client_address(request, self._edge))
        except TooManyRequests:
            self._refused.inc()
            raise


@dataclass(frozen=True, slots=True)
class Gates:
    """`posts`: of all that changes something; `reads`: of pages and single comments."""

    posts: Gate
    reads: Gate

    @classmethod
    def of(cls, rates: Rates, metrics: WriterMetrics, edge: PublicEdge) -> Gates:
        """With their counters."""
        return cls(
            Gate(rates.posts, metrics.refused.labels("rate"), edge),
            Gate(rates.gets, metrics.reads_refused.labels("history", "rate"), edge),
        )
