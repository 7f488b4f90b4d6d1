"""The key for development: what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.cli.opening import find_folder
from cluster.cli.tools import dev_folder, load_issuer
from cluster.errors import ClusterError
from cluster.folder import HOME_VARIABLE
from cluster.issuer import DevelopmentIssuer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))


def test_where_nothing_was_made_it_is_said_what_makes_it() -> None:
    with pytest.raises(ClusterError, match=r"`make cluster-up` creates one$"):
        load_issuer(find_folder(), for_dev=False)
    with pytest.raises(ClusterError, match=r"`make dev` creates one$"):
        load_issuer(dev_folder(), for_dev=True)


def test_where_only_dev_has_a_key_it_is_said_how_to_ask_for_it() -> None:
    DevelopmentIssuer.load_or_create(dev_folder().issuer)
    with pytest.raises(ClusterError, match=r"for `make dev` add --dev$"):
        load_issuer(find_folder(), for_dev=False)
    assert load_issuer(dev_folder(), for_dev=True)


def test_where_only_the_cluster_has_one_too() -> None:
    DevelopmentIssuer.load_or_create(find_folder().issuer)
    with pytest.raises(ClusterError, match=r"for `make cluster-up` leave out --dev$"):
        load_issuer(dev_folder(), for_dev=True)
