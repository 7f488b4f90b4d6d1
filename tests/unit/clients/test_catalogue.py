"""The catalogue of clients that we did not write."""

from __future__ import annotations

import re
from pathlib import Path

from tests.clients.catalogue import CLIENTS
from tests.clients.install import SOURCES

DOCS = Path(__file__).parents[3] / "docs/clients.md"


def test_there_are_ten_clients_of_five_languages_at_least() -> None:
    assert len({client.name for client in CLIENTS}) == len(CLIENTS) >= 10
    assert len({client.language for client in CLIENTS}) >= 5


def test_each_client_has_its_row_in_the_docs() -> None:
    text = DOCS.read_text()
    rows = {
        (client.name, client.language): re.search(
            rf"^\| {re.escape(client.name)} \| {client.language} \|", text, re.MULTILINE
        )
        for client in CLIENTS
    }
    assert [name for name, row in rows.items() if row is None] == []


def test_no_file_of_theirs_names_a_registry() -> None:
    hosts = re.compile(r"registry\.|pypi\.org|crates\.io|maven\.org|proxy\.golang|npmjs")
    files = [path for path in SOURCES.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert [path for path in files if hosts.search(path.read_text())] == []
