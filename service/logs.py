"""Structured logs: one JSON object a line, or colours when a person looks at a terminal.

Events, not prose: `log.info("video_registered", video_id=...)`. Ids that belong to a request are
bound once (`bind_request`) and appear in every line of it. Logs never carry bodies or secrets.

Whoever logs goes on, whatever becomes of the line: nothing here raises. In a service nothing waits
either (see service.stderr).
"""

from __future__ import annotations

import json
import logging
import random
import re
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar
from typing import TextIO

import structlog

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

# Not structlog's own variables: binding one of those walks over all that there are, each time.
_request_id: ContextVar[str] = ContextVar("request_id", default="")


def configure_logs(*, level: str, style: str, **ids: str) -> None:
    """Set up logging of this process; `ids` (role, id) appear in every line. style: auto, json or
    console.
    """
    stream: TextIO | None = sys.stderr  # none if it was closed when the process began
    person = stream is not None and stream.isatty()
    console = style == "console" or (style == "auto" and person)
    shared: list[structlog.typing.Processor] = [
        add_request_id,
        _add_ids(ids),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[structlog.typing.Processor] = (
        # Not its own choice: that shows local variables, and so bodies and tokens.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, _never_failing(renderer)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(stream),
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


def bind_request(request_id: str) -> AbstractContextManager[None]:
    """Every log line inside carries `request_id`."""
    return _Bound(request_id)


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


def _never_failing(renderer: Sequence[structlog.typing.Processor]) -> structlog.typing.Processor:
    """What is logged may be anything, also what cannot be shown."""

    def render(
        logger: object, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.ProcessorReturnValue:
        name = event.get("event")
        result: structlog.typing.ProcessorReturnValue = event
        try:
            for processor in renderer:
                result = processor(logger, method, result)  # type: ignore[arg-type]
        except Exception as exc:
            failed = {"event": "log_line_failed", "level": "error", "error": type(exc).__name__}
            return json.dumps(failed | {"of": name if isinstance(name, str) else ""})
        return result

    return render


class _Bound:
    """Not a generator: every request passes here, and those cost twice as much."""

    __slots__ = ("_id", "_token")

    def __init__(self, request_id: str) -> None:
        self._id = request_id

    def __enter__(self) -> None:
        self._token = _request_id.set(self._id)

    def __exit__(self, *_exc: object) -> None:
        _request_id.reset(self._token)


class _Lines:
    """Prints lines, without structlog's lock: a finalizer that logs could wait in it for ever."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Print one; a stream that is closed or broken loses it."""
        if self._stream is not None:
            with suppress(OSError, ValueError):
                self._stream.write(line + "\n")
                self._stream.flush()

    log = debug = info = warn = warning = error = err = msg
    critical = fatal = failure = exception = msg


class _ToStructlog(logging.Handler):
    """Library logs (aiohttp, kazoo) in the same shape as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # its arguments do not fit, or cannot be shown
            message = str(record.msg)
        structlog.get_logger().log(
            record.levelno,
            "library_log",
            logger=record.name,
            message=message,
            exc_info=record.exc_info,
        )


def _route_library_logs(level: str) -> None:
    root = logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(logging.WARNING if level != "error" else logging.ERROR)
