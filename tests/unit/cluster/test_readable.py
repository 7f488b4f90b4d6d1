"""Text for people: what `up` and `dev` print at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.docker.network import ContainerNetwork
from cluster.folder import ClusterFolder, SavedState
from cluster.readable import closing_words, pages_to_open
from cluster.settings import Settings

URL = "http://127.0.0.1:8080"


@pytest.mark.parametrize("topology", ["single", "dispatcher", "gateway"])
def test_up_ends_with_the_addresses_of_everything_a_person_can_open(
    tmp_path: Path, topology: str
) -> None:
    cluster = Cluster.create(Settings("said", topology=topology), tmp_path)
    said = closing_words(cluster)
    text = "\n".join(said)
    assert f"The cluster said is ready (topology {topology})." in said
    assert f"  HTTP   {cluster.http_url}" in said
    assert any(line.startswith(f"  HTTPS  {cluster.https_url} ") for line in said)
    assert f"{cluster.http_url}/v1/videos/v1/stream" in text
    assert f"  {cluster.http_url}/embed/v1" in said
    assert f"  {cluster.http_url}/moderate/v1" in said
    (at,) = [line.split()[-1] for line in said if line.startswith("  map ")]
    first = "single-1" if topology == "single" else "writer-1"
    assert at.endswith("/map")
    assert at in {
        f"{cluster.url(name)}/map"
        for name in (first, "node-1", "dispatcher-1")
        if name in {part.name for part in cluster.parts}
    }
    assert f"  data   {cluster.folder.path}" in said


def test_in_containers_the_map_has_the_address_that_this_machine_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which an engine would say; the pages are at the port that is published."""
    monkeypatch.setattr(ContainerNetwork, "address", lambda _self, _name: "10.213.7.4")
    ports = {"haproxy/http": 18080, "haproxy/https": 18443}
    ClusterFolder(tmp_path, "said").save(SavedState(Settings("said", runtime="docker"), ports))
    cluster = Cluster.open("said", tmp_path)
    said = closing_words(cluster)
    assert "  map    http://10.213.7.4:8003/map" in said
    assert "  HTTP   http://127.0.0.1:18080" in said
    assert {f"  http://127.0.0.1:18080/{page}/v1" for page in ("embed", "moderate")} <= set(said)


def test_a_token_for_dev_is_asked_for_with_dev() -> None:
    assert any("token --dev --sub" in line for line in pages_to_open(URL, for_dev=True))
    assert not any("--dev" in line for line in pages_to_open(URL))
