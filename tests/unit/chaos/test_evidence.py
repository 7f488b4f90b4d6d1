"""What failed is not forgotten because the same seed runs again."""

from __future__ import annotations

from pathlib import Path

from tests.chaos import archive, evidence
from tests.chaos.history import History, Trouble


def failed(folder: Path, name: str) -> None:
    evidence.make_room(folder)
    (folder / "mix" / "logs").mkdir(parents=True)
    evidence.save(History(troubles=[Trouble(name, 1.0, 2.0, 3.0)]), folder)
    evidence.conclude(folder, "BROKEN", good=False)


def test_the_evidence_of_a_failed_run_is_put_aside(tmp_path: Path) -> None:
    folder = tmp_path / "seed-7"
    for name in ("first", "second", "third"):
        failed(folder, name)
    evidence.make_room(folder)
    assert list(folder.iterdir()) == []
    for number, name in ((1, "first"), (2, "second"), (3, "third")):
        old = tmp_path / f"seed-7.{number}"
        (trouble,) = archive.load(old / evidence.HISTORY).troubles
        assert trouble.name == name
        assert (old / evidence.REPORT).read_text() == "BROKEN\n"
        assert (old / "mix" / "logs").exists()


def test_a_good_run_leaves_its_report_and_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "seed-7"
    evidence.make_room(folder)
    evidence.save(History(), folder)
    evidence.conclude(folder, "held", good=True)
    assert [path.name for path in folder.iterdir()] == [evidence.REPORT]
    evidence.make_room(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["seed-7"]
