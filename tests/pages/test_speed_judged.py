"""What `speed.py` finds too much in figures."""

from __future__ import annotations

import pytest

from tests.pages.speed import Posting, Sample, judge


def sample(at: int, **more: float) -> Sample:
    calm = {
        "seconds": 10.0 * at, "rows": 200, "median_ms": 17, "p99_ms": 20, "worst_ms": 90,
        "long": 0, "busy_ms": 100, "heap_kib": 3000, "nodes": 2000, "posted": 500 * at,
        "shown": 500 * at - 5,
    }  # fmt: skip
    return Sample(**(calm | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("figures", "wrong"),
    [
        (lambda _: {}, ""),
        (lambda at: {"heap_kib": 3000 + 300 * at}, "heap"),
        (lambda at: {"nodes": 2000 + 400 * at}, "nodes"),
        (lambda at: {"heap_kib": 3000 + 4000 * (at < 3)}, ""),
        (lambda _: {"p99_ms": 120}, "99 %"),
        (lambda _: {"rows": 201}, "rows"),
        (lambda at: {"shown": 400 * at}, "posted and not shown"),
    ],
)
def test_what_is_judged_too_much(figures: object, wrong: str) -> None:
    posting = Posting("", 50)
    posting.asked, posting.posted = 6000, 5990
    samples = [sample(at, **figures(at)) for at in range(1, 13)]  # type: ignore[operator]
    found = [each.name for each in judge(samples, posting) if not each.good]
    assert [name.startswith(wrong) for name in found] == [True] * bool(wrong)


def test_a_flood_that_was_not_posted_proves_nothing() -> None:
    posting = Posting("", 50)
    posting.asked, posting.posted = 6000, 3000
    (found,) = [
        each for each in judge([sample(at) for at in range(1, 13)], posting) if not each.good
    ]
    assert found.name.startswith("posts asked for")
