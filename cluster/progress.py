"""What a person sees while a cluster is being worked on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console

Update = Callable[[str], None]  # how far a step is, in a few words


class Progress(Protocol):
    """Shows each step, and notes."""

    def step(self, text: str) -> AbstractContextManager[Update]:
        """A step that takes a while."""

    def note(self, text: str) -> None:
        """A line that is worth knowing."""


class NoProgress:
    """Shows nothing."""

    @contextmanager
    def _nothing(self) -> Iterator[Update]:
        yield lambda _words: None

    def step(self, text: str) -> AbstractContextManager[Update]:
        """See Progress."""
        return self._nothing()

    def note(self, text: str) -> None:
        """See Progress."""


class ConsoleProgress:
    """On a console: a spinner while a step runs, then one line with the time that it took.

    Without a terminal there is only the line.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def step(self, text: str) -> AbstractContextManager[Update]:
        """See Progress."""
        return self._step(text)

    def note(self, text: str) -> None:
        """See Progress."""
        self._console.print(text, highlight=False)

    @contextmanager
    def _step(self, text: str) -> Iterator[Update]:
        started = time.monotonic()
        try:
            with self._console.status(text) as status:
                yield lambda words: status.update(f"{text}  [dim]{words}[/]")
        except BaseException:
            self._line("[red]failed[/]", text, started)
            raise
        self._line("[green]done[/]  ", text, started)

    def _line(self, mark: str, text: str, started: float) -> None:
        took = time.monotonic() - started
        self._console.print(f"{mark}  {text}  [dim]{took:.1f} s[/]", highlight=False)
