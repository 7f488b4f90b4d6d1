"""The chart in the eyes of Helm and of Kubernetes, with each documented values file."""

from __future__ import annotations

from pathlib import Path

import kubernetes_validate
import pytest

from tests.integration.chart.rendering import (
    CHART,
    EXAMPLES,
    HELM,
    KUBE_VERSION,
    NO_HELM,
    render,
    run_helm,
)

pytestmark = pytest.mark.skipif(HELM is None, reason=NO_HELM)

VERSIONS = ("1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34")
NAMES = [path.stem for path in EXAMPLES]


@pytest.mark.parametrize("values", EXAMPLES, ids=NAMES)
def test_lint_finds_nothing(values: Path) -> None:
    known = ("--strict", "--quiet", "--kube-version", KUBE_VERSION)
    done = run_helm("lint", *known, "-f", str(values), str(CHART))
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("example", NAMES)
def test_kubernetes_knows_every_field(example: str, version: str) -> None:
    for each in render(example):
        if each["kind"] != "ServiceMonitor":  # not of Kubernetes itself
            kubernetes_validate.validate(each, version, strict=True)
