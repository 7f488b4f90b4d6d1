"""Structured logs: one JSON object a line, or colours when a person looks at a terminal.

Events, not prose: `log.info("video_registered", video_id=...)`. Ids that belong to a request are
bound once (`bind_request`) and appear in every line of it. Logs never carry bodies or secrets.
"""

from __future__ import annotations

import logging
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

# Not structlog's own variables: binding one of those walks over all that there are, each time.
_request_id: ContextVar[str] = ContextVar("request_id", default="")


def configure_logs(*, level: str, style: str, **ids: str) -> None:
    """Set up logging of this process; `ids` (role, id) appear in every line. style: auto, json or
    console.
    """
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        add_request_id,
        _add_ids(ids),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=shared + renderer,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _route_library_logs(level)


def new_request_id() -> str:
    """A fresh request id: 16 hexadecimal digits. Not a secret, and made for every request, so it is
    no system call.
    """
    return f"{random.getrandbits(64):016x}"


def clean_request_id(text: str | None) -> str:
    """A caller's request id if it is 1 to 64 of `[A-Za-z0-9_-]`, as at the gateway, else a fresh
    one.
    """
    return text if text and _REQUEST_ID.fullmatch(text) else new_request_id()


@contextmanager
def bind_request(request_id: str) -> Iterator[None]:
    """Every log line inside carries `request_id`."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def forget_request() -> None:
    """For a task that was started inside a request and outlives it."""
    _request_id.set("")


def current_request_id() -> str:
    """The request id bound here, or an empty string."""
    return _request_id.get()


def add_request_id(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """A processor for structlog: the bound request id, unless the line names one itself."""
    request_id = _request_id.get()
    if request_id:
        event.setdefault("request_id", request_id)
    return event


def _add_ids(ids: dict[str, str]) -> structlog.typing.Processor:
    def add(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        for name, value in ids.items():
            event.setdefault(name, value)
        return event

    return add


class _ToStructlog(logging.Handler):
    """Library logs (aiohttp, kazoo) in the same shape as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(
            record.levelno,
            "library_log",
            logger=record.name,
            message=record.getMessage(),
            exc_info=record.exc_info,
        )


def _route_library_logs(level: str) -> None:
    root = logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(logging.WARNING if level != "error" else logging.ERROR)
