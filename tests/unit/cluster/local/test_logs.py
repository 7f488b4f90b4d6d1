"""Logs: read from the end, followed, bounded."""

from __future__ import annotations

import itertools
from pathlib import Path

from cluster.local import logs
from cluster.readable import readable_line


def test_the_tail_is_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("".join(f"{n}\n" for n in range(100)))
    assert logs.tail(path, 3) == "97\n98\n99"
    assert logs.tail(path, 0) == logs.tail(tmp_path / "none.log", 5) == ""


def test_an_earlier_life_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    for life in ("first", "second"):
        with logs.open_for_append(path) as file:
            file.write(f"{life}\n".encode())
    assert logs.tail_of_this_life(path, 25).splitlines()[1:] == ["second"]
    assert "first" in logs.tail(path, 25)


def test_a_big_log_is_put_aside_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    with path.open("wb") as file:
        file.truncate(logs.MAX_LOG_BYTES + 1)
    logs.open_for_append(path).close()
    assert path.stat().st_size < 1000
    assert (tmp_path / "x.log.1").stat().st_size > logs.MAX_LOG_BYTES


def test_following_goes_on_after_the_tail_with_whole_lines(tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    one.write_text("a\nb\n")
    lines = logs.follow({"one": one, "two": two}, 1)
    assert next(lines) == ("one", "b")
    with one.open("a") as file:
        file.write("c\nhal")
    two.write_text("new\n")
    assert sorted(itertools.islice(lines, 2)) == [("one", "c"), ("two", "new")]
    with one.open("a") as file:
        file.write("f\n")
    assert next(lines) == ("one", "half")


def test_an_event_is_shown_as_a_sentence_with_its_traceback() -> None:
    line = '{"event": "died", "level": "error", "node": "n1", "role": "x", "exception": "T\\nE"}'
    assert readable_line(line) == "error died node=n1\nT\nE"
    assert readable_line("plain") == "plain"
    assert readable_line("[1]") == "[1]"
