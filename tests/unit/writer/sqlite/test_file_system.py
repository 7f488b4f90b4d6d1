"""Where a SQLite file may lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service.config import ConfigError
from writer import stores
from writer.cassandra.config import CassandraConfig
from writer.metrics import WriterMetrics
from writer.sqlite.file_system import shared_file_system
from writer.stores import StoreConfig, build_store

MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/root rw
30 22 0:40 / /srv/shared rw,relatime shared:5 - nfs4 10.0.0.9:/export rw,vers=4.2
31 30 254:1 / /srv/shared/local rw,relatime - xfs /dev/vdb rw
32 22 0:41 / /srv/two\\040words rw - cifs //host/share rw
33 22 0:42 / /srv/hidden rw - nfs 10.0.0.9:/old rw
34 22 254:2 / /srv/hidden rw - ext4 /dev/vdc rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/livecomments/comments.sqlite3", None),
        ("/srv/shared/comments.sqlite3", "nfs4"),
        ("/srv/shared/new/folder/comments.sqlite3", "nfs4"),
        ("/srv/shared/local/comments.sqlite3", None),
        ("/srv/sharedbutnot/comments.sqlite3", None),
        ("/srv/two words/comments.sqlite3", "cifs"),
        ("/srv/hidden/comments.sqlite3", None),
    ],
)
def test_a_file_that_other_hosts_have_too_is_found(path: str, kind: str | None) -> None:
    assert shared_file_system(Path(path), MOUNTS) == kind


def test_this_machine_can_be_asked(tmp_path: Path) -> None:
    assert shared_file_system(tmp_path / "comments.sqlite3") is None


def test_a_writer_does_not_start_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stores, "shared_file_system", lambda _path: "nfs4")
    config = StoreConfig("sqlite", tmp_path / "comments.sqlite3", CassandraConfig(()))
    registry = CollectorRegistry()
    with pytest.raises(ConfigError, match="nfs4"):
        build_store(config, registry, WriterMetrics(registry), lambda _: None)
