"""The report: what people read, and what is kept."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from bench.figures import Beside, Curve, Line, On, Row, Target, measured
from bench.report import keep, kept_rows, markdown, table, verdict
from bench.svg import draw

ROW = Row(
    "CPU per delivery",
    measured([12.0, 10.0, 11.0], "us"),
    limit=Beside("send loop", measured([10.0, 10.0, 10.0], "us")),
    target=Target(1.25, "times", on=On.LIMIT),
)
CURVE = Curve(
    "busy",
    "Delay & rate",
    "offered/s",
    "ms",
    (Line("ours", ((0.0, 1.0), (100_000.0, 24.0))), Line("<peer>", ((50.0, 3.0),))),
)


def test_a_missed_target_is_said_aloud() -> None:
    assert verdict(ROW) == "hit"
    assert verdict(replace(ROW, target=Target(1.0, "us"))) == "MISSED"
    assert verdict(replace(ROW, target=None)) == ""


def test_the_table_has_a_line_for_each_row() -> None:
    assert table([ROW, ROW]).row_count == 2


def test_as_markdown_every_line_has_as_many_cells() -> None:
    lines = markdown([ROW]).splitlines()
    assert {line.count("|") for line in lines} == {8}
    assert "send loop: 10.0 us" in lines[2]


def test_what_is_kept_reads_back_as_the_same_rows(tmp_path: Path) -> None:
    peer = replace(ROW, limit=None, peer=ROW.limit, target=None)
    keep("fanout", [ROW, CURVE, peer], "2 cores", tmp_path)
    assert kept_rows("fanout", tmp_path) == [ROW, peer]


def test_the_kept_report_has_every_value(tmp_path: Path) -> None:
    keep("fanout", [ROW, CURVE], "2 cores", tmp_path)
    kept = json.loads((tmp_path / "fanout.json").read_text())
    assert kept["conditions"] == "2 cores"
    assert kept["rows"][0]["ours"]["values"] == [12.0, 10.0, 11.0]
    assert kept["rows"][0]["met"] is True
    assert kept["curves"][0]["lines"]["ours"] == [[0.0, 1.0], [100_000.0, 24.0]]


def test_a_benchmark_that_never_ran_has_no_rows(tmp_path: Path) -> None:
    assert kept_rows("fanout", tmp_path) == []


def test_a_picture_is_whole_xml_and_names_its_lines(tmp_path: Path) -> None:
    keep("fanout", [CURVE], "", tmp_path)
    root = ET.fromstring((tmp_path / "busy.svg").read_text())
    texts = {"".join(element.itertext()) for element in root.iter()}
    assert {"ours", "<peer>", "Delay & rate", "offered/s", "ms", "100 k"} <= texts


def test_every_point_lies_within_the_picture() -> None:
    far = replace(CURVE, y_max=10.0)
    root = ET.fromstring(draw(far))
    places = [
        tuple(map(float, place.split(",")))
        for element in root.iter()
        if element.tag.endswith("polyline")
        for place in element.attrib["points"].split()
    ]
    assert len(places) == 3
    assert all(0 <= x <= 720 and 0 <= y <= 420 for x, y in places)


@pytest.mark.parametrize("lines", [(), (Line("empty", ()),), (Line("zero", ((0.0, 0.0),)),)])
def test_a_picture_of_nothing_is_still_a_picture(lines: tuple[Line, ...]) -> None:
    assert draw(replace(CURVE, lines=lines)).endswith("</svg>\n")
