"""The names in the rules and in the dashboard are those of the product, and none is forgotten."""

from __future__ import annotations

import re

import pytest

from tests.monitoring.monitoring_files import metrics_in, panels, queries, rules
from tests.unit.test_docs import product, section

_STRING = re.compile(r'"(?:livecomments_)?([a-z_]+)"')
_ROW = re.compile(r"^\| (`.*?) \|", re.MULTILINE)
_NAME = re.compile(r"`([a-z_]+)(?:\{[a-z,]+\})?`")


def used() -> set[str]:
    return metrics_in(*queries().values(), *(rule["expr"] for rule in rules()))


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def test_every_metric_is_one_that_the_product_exports() -> None:
    exported = set(_STRING.findall(product()))
    assert sorted(name for name in used() if name.removesuffix("_total") not in exported) == []


def test_every_alarm_of_the_operations_has_a_rule_or_a_panel() -> None:
    cells = "\n".join(_ROW.findall(section("docs/operations.md", "Metrics")))
    assert sorted(set(_NAME.findall(cells)) - used()) == []


def test_recorded_series_are_used_by_their_names() -> None:
    expressions = "\n".join([*queries().values(), *(rule["expr"] for rule in rules())])
    named = set(re.findall(r"\blivecomments:[a-z0-9_:]+", expressions))
    assert named <= recorded()


@pytest.mark.parametrize("query", queries())
def test_a_query_asks_for_one_job(query: str) -> None:
    """Somebody may have two clusters in one Prometheus."""
    expression = queries()[query]
    selectors = re.findall(r"\b(?:livecomments|process)_\w+(\{[^}]*\})?", expression)
    assert all('job=~"$job"' in selector for selector in selectors), expression


def test_panels_lie_side_by_side_and_not_over_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
