"""What docs/monitoring/ says, and the names in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.unit.test_layers import ROOT

FOLDER = ROOT / "docs" / "monitoring"
RULES_FILE = FOLDER / "rules.yml"
DASHBOARD_FILE = FOLDER / "grafana-dashboard.json"
_METRIC = re.compile(r"\blivecomments_[a-z_]+")
_OF_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


def rules() -> list[dict[str, Any]]:
    """All rules, of all groups."""
    groups = yaml.safe_load(RULES_FILE.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """By name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels() -> Iterator[dict[str, Any]]:
    """Those of the dashboard that show something."""
    document = json.loads(DASHBOARD_FILE.read_text())
    yield from (panel for panel in document["panels"] if panel["type"] != "row")


def queries() -> dict[str, str]:
    """Of the dashboard: "panel: legend" -> expression as Grafana has it."""
    return {
        f"{panel['title']}: {target['refId']}": target["expr"]
        for panel in panels()
        for target in panel["targets"]
    }


def metrics_in(*expressions: str) -> set[str]:
    """The metrics that expressions name, without prefix and without what a histogram's series
    have at their end.
    """
    names = {name for text in expressions for name in _METRIC.findall(text)}
    return {_OF_HISTOGRAM.sub("", name).removeprefix("livecomments_") for name in names}
