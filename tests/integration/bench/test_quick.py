"""Every benchmark runs, with small numbers: what is measured is not judged, only that it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.benchmarks import BENCHMARKS
from bench.report import kept_rows
from cluster.folder import dynalite_folder, home_folder, jars_folder
from cluster.servers import cassandra_jars, dynalite_packages
from cluster.servers.dynalite import find_node


@pytest.mark.timeout(600)  # a server that starts beside other work needs a minute
@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_a_benchmark_measures_something_and_keeps_it(name: str, tmp_path: Path) -> None:
    if name == "cassandra":
        cassandra_jars.fetch(jars_folder(home_folder(os.environ)))
    if name == "dynamodb":
        if find_node() is None:
            pytest.skip("no Node 20 or newer with npm")
        dynalite_packages.fetch(dynalite_folder(home_folder(os.environ)))
    result = CliRunner().invoke(
        main, [name, "--quick", "--repeats", "1", "--results", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    rows = kept_rows(name, tmp_path)
    assert rows
    assert all(row.ours.values for row in rows)
