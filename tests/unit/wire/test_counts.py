from __future__ import annotations

from typing import Any

import msgspec
import pytest

from wire.counts import MAX_COUNTS, MAX_COUNTS_BYTES, CountsReport, check_report
from wire.errors import BadRequest
from wire.internal import CountsAnswer, HeadsReply, HeadsRequest, decode, decode_counts, encode

BOOT = "000000000000001-00000000"
GOOD = {"boot": BOOT, "number": 2, "base": 1, "counts": {"v": 3}, "peaks": {"v": 9}}


def test_a_report_and_its_answer_come_as_they_were_sent() -> None:
    report = decode(msgspec.json.encode(GOOD), CountsReport)
    check_report(report)
    assert decode(encode(report), CountsReport) == report
    assert decode_counts(b'{"counts":{"table":"t","totals":{"v":[3,9]}}}') is not None
    assert decode_counts(encode(CountsAnswer())) is None


def test_the_largest_report_fits() -> None:
    names = [f"{number:064d}" for number in range(MAX_COUNTS)]
    largest = dict.fromkeys(names, 10**8)
    report = CountsReport(BOOT, 10**12, 10**12 - 1, largest, largest, "t" * 64, 10**12)
    check_report(report)
    assert len(encode(report)) <= MAX_COUNTS_BYTES


@pytest.mark.parametrize(
    "wrong",
    [
        {"boot": "1"},
        {"number": 1},
        {"number": -1},
        {"counts": {"v": -1}},
        {"counts": {"v": 1.5}},
        {"counts": {"a/b": 1}},
        {"counts": {"v": 10**9}},
        {"counts": dict.fromkeys(map(str, range(MAX_COUNTS + 1)), 1)},
        {"peaks": {"w": 1}},
        {"table": "t" * 65},
    ],
)
def test_junk_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        check_report(decode(msgspec.json.encode(GOOD | wrong), CountsReport))


@pytest.mark.parametrize("body", [b"{", b'{"counts":{}}', b'{"counts":{"table":"t","totals":[]}}'])
def test_an_answer_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        decode_counts(body)


def test_who_has_nothing_to_tell_sends_no_byte_of_it() -> None:
    assert encode(HeadsRequest(("v",))) == b'{"videos":["v"]}'
    assert encode(HeadsReply("e", {"v": 1})) == b'{"epoch":"e","heads":{"v":1}}'
