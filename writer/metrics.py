"""The writer's figures for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from service.metrics import LATENCY_BUCKETS, Exports

_REFUSED = ("store", "deadline", "queue_full", "video_queue_full", "held_full", "rate")
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class WriterMetrics:
    """Counters of one writer; each may be used on any thread, what is called `observe_` on the
    event loop only.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"livecomments_{name}", text, labels, registry=registry)

        self.stored = 0  # new comments; raised on the event loop only
        self.replayed = counter("comments_replayed", "Posts answered with an earlier comment")
        self.conflicts = counter("comments_conflicts", "Keys used again with another body")
        self.removed = counter("comments_removed", "Comments removed", "by")
        self.restored = counter("comments_restored", "Removed comments shown again")
        self.held = counter("comments_held", "Comments that wait for a moderator")
        self.decided = counter("comments_decided", "Held comments that were decided", "decision")
        self.erasures = counter("authors_erased", "Authors whose comments were destroyed")
        self.erasures_failed = counter(
            "erasures_failed", "Attempts to destroy an author's comments that failed"
        )
        self.erasures_pending = 0  # known and not done, when this writer last looked
        self.rulings = counter("rulings", "Changes of a video's rules", "kind")
        self.refused = counter("comments_refused", "Posts refused with 503 or 429", "reason")
        for reason in _REFUSED:  # so that the first refusal is seen to raise it
            self.refused.labels(reason)
        self.reads_refused = counter(
            "reads_refused", "Reads refused with 503 or 429", "lane", "reason"
        )
        self.filters_evicted = counter(
            "filters_evicted", "Compiled filters of a video that made room for others"
        )
        self._requests_refused = counter(
            "requests_refused", "Public requests answered with a problem", "code"
        )
        self.store_failures = counter("store_failures", "Calls to the store that failed", "call")
        self.keys_swept = counter(
            "store_keys_swept", "Idempotency keys deleted because of their age"
        )
        exports = Exports(registry)
        exports.counter("comments_accepted", "Comments stored", lambda: self.stored)
        exports.gauge(
            "erasures_pending",
            "Authors whose comments are still to be destroyed",
            lambda: self.erasures_pending,
        )
        self.observe_commit = exports.histogram(
            "commit_seconds", "From a group's start to its commit", LATENCY_BUCKETS
        )
        self.observe_group = exports.histogram(
            "commit_group_size", "Comments of one video in one commit", _SIZES
        )

    def count_refused(self, code: str) -> None:
        """A public request was answered with a problem of this code."""
        self._requests_refused.labels(code).inc()

    def watch_queues(self, depths: Callable[[], dict[str, int]]) -> None:
        """Show the depth of each queue in `depths()` (always the same names)."""
        gauge = Gauge(
            "livecomments_queue_depth",
            "Entries that wait in a queue",
            ["queue"],
            registry=self._registry,
        )

        def depth(name: str) -> Callable[[], float]:
            return lambda: depths()[name]

        for name in depths():
            gauge.labels(name).set_function(depth(name))
