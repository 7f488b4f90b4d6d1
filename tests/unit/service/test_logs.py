"""Logs as another program reads them: from a process of its own, line by line."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from service.logs import bind_request, clean_request_id, current_request_id, new_request_id


def lines_of(script: str, *, level: str = "info", style: str = "json") -> list[dict[str, Any]]:
    return [json.loads(line) for line in text_of(script, level=level, style=style).splitlines()]


def text_of(script: str, *, level: str = "info", style: str = "json") -> str:
    head = (
        "import asyncio, logging, structlog\n"
        "from service.logs import *\n"
        f"configure_logs(level={level!r}, style={style!r}, role='writer', id='w1')\n"
        "log = structlog.get_logger()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", head + script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == ""
    return done.stderr


def test_a_line_is_one_json_object_with_event_level_time_and_who_wrote_it() -> None:
    (line,) = lines_of("log.info('video_registered', video_id='v', text='a\\nb\\r\\u2028')")
    assert (line["event"], line["level"]) == ("video_registered", "info")
    assert (line["role"], line["id"], line["video_id"]) == ("writer", "w1", "v")
    assert line["text"] == "a\nb\r\u2028"
    assert line["timestamp"].endswith("Z")


def test_ids_of_a_request_are_in_its_lines_and_in_no_other() -> None:
    first, second = lines_of("with bind_request('r1'): log.info('a')\nlog.info('b')")
    assert first["request_id"] == "r1"
    assert "request_id" not in second


def test_lines_below_the_level_are_not_written() -> None:
    script = "log.debug('a'); log.info('b'); log.warning('c'); log.error('d')"
    assert [line["event"] for line in lines_of(script, level="warning")] == ["c", "d"]
    assert len(lines_of(script, level="debug")) == 4


@pytest.mark.parametrize("style", ["json", "console"])
def test_an_exception_shows_no_local_variables(style: str) -> None:
    script = (
        "def fail(token): raise ValueError\n"
        "try: fail(chr(120) * 30)\n"
        "except Exception: log.exception('died')"
    )
    text = text_of(script, style=style)
    assert "ValueError" in text
    assert "x" * 30 not in text


def test_an_exception_stays_in_its_line() -> None:
    (line,) = lines_of("try: 1 / 0\nexcept Exception: log.exception('died')")
    assert line["event"] == "died"
    assert "ZeroDivisionError" in line["exception"]


def test_libraries_write_the_same_shape() -> None:
    script = (
        "logging.getLogger('aiohttp.server').info('chatter')\n"
        "logging.getLogger('kazoo').warning('lost %s', 'it')\n"
        "try: 1 / 0\nexcept Exception: logging.getLogger('x').exception('bad')"
    )
    lost, bad = lines_of(script)
    assert (lost["event"], lost["logger"], lost["message"]) == ("library_log", "kazoo", "lost it")
    assert "ZeroDivisionError" in bad["exception"]


def test_what_json_cannot_hold_does_not_break_a_line() -> None:
    lines = lines_of(
        "log.info('a', b=b'\\xff', o=object(), s='\\ud800', n=float('nan'), e=OSError('x'))"
    )
    assert lines[0]["event"] == "a"


def test_what_cannot_be_shown_does_not_reach_who_logs() -> None:
    shy = "class Shy:\n    def __repr__(self): raise ValueError('no')\n"
    failed, after = lines_of(shy + "log.info('a', b=Shy())\nlog.info('c')")
    assert (failed["event"], failed["of"], failed["error"]) == (
        "log_line_failed",
        "a",
        "ValueError",
    )
    assert after["event"] == "c"


def test_a_library_whose_words_do_not_fit_gets_its_line_all_the_same() -> None:
    (line,) = lines_of("logging.getLogger('x').warning('lost %d', 'it')")
    assert line["message"] == "lost %d"


@pytest.mark.parametrize("broken", ["os.close(2)", "os.dup2(os.open('/dev/full', 1), 2)"])
def test_a_stream_that_is_broken_does_not_reach_who_logs(broken: str) -> None:
    assert text_of(f"import os; {broken}; log.error('a'); log.error('b'); sys.stderr = None") == ""


def test_a_person_gets_no_json() -> None:
    assert "{" not in text_of("log.info('started')", style="console")
    assert text_of("log.info('started')", style="auto").startswith("{")  # not a terminal


@pytest.mark.parametrize("text", ["abc", "a" * 64, "0af7-651916cd_43dd"])
def test_a_callers_request_id_is_kept_if_it_is_harmless(text: str) -> None:
    assert clean_request_id(text) == text


@pytest.mark.parametrize("text", [None, "", "a" * 65, "a b", "é", "a\nb", "a\x7f", "\ud800"])
def test_any_other_request_id_is_replaced(text: str | None) -> None:
    made = clean_request_id(text)
    assert made != text
    assert len(made) == len(new_request_id()) == 16
    int(made, 16)


def test_the_request_id_is_bound_and_restored() -> None:
    assert current_request_id() == ""
    with bind_request("outer"):
        with bind_request("inner"):
            assert current_request_id() == "inner"
        assert current_request_id() == "outer"
    assert current_request_id() == ""
