"""Faults for the Python client on the clusters of tests/e2e, with fixtures of that floor."""

from __future__ import annotations

from tests.e2e.conftest import (
    cluster,
    page_port,
    pytest_generate_tests,
    running_cluster,
)

__all__ = ["cluster", "page_port", "pytest_generate_tests", "running_cluster"]
