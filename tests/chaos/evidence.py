"""What a run leaves on disk: its history before anybody judges it; after a failure all of it."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from tests.chaos import archive
from tests.chaos.history import History

HISTORY = "history.jsonl.gz"
REPORT = "report.txt"


def make_room(folder: Path) -> None:
    """An empty folder. A run that failed there is not forgotten: its folder gets a number."""
    if (folder / HISTORY).exists():
        numbered = (folder.with_name(f"{folder.name}.{number}") for number in itertools.count(1))
        folder.rename(next(path for path in numbered if not path.exists()))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def save(history: History, folder: Path) -> None:
    """Write down what was seen."""
    archive.save(history, folder / HISTORY)


def conclude(folder: Path, report: str, *, good: bool) -> None:
    """Add the report. Of a run that was good the history is of no further use."""
    (folder / REPORT).write_text(report + "\n")
    if good:
        (folder / HISTORY).unlink()
