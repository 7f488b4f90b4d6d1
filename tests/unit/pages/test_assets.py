from __future__ import annotations

import gzip

import pytest

from pages.assets import STATIC, Assets, load_assets
from pages.documents import PAGES
from pages.resource import Resource, digest


def assets(**sources: str) -> Assets:
    files = {name: Resource.of(text.encode(), "text/javascript") for name, text in sources.items()}
    return Assets(files, "0123456789ab")


def test_all_files_of_the_pages_and_of_the_client_are_there_as_they_are() -> None:
    found = load_assets(PAGES)
    assert found.files["base.css"].body == (STATIC / "base.css").read_bytes()
    assert found.files["client/index.js"].body == (STATIC / "client/index.js").read_bytes()
    assert found.files["client/index.js"].media_type == "text/javascript; charset=utf-8"
    assert "embed.html" not in found.files
    assert "index.d.ts" not in found.files


def test_the_version_changes_with_any_file() -> None:
    one, other = load_assets(PAGES), load_assets(PAGES)
    assert one.version == other.version != load_assets([]).version
    assert one.folder == f"/assets/{one.version}"


def test_a_file_of_this_version_is_kept_for_good() -> None:
    found = assets(**{"a.js": "a", "client/a.js": "c"})
    assert found.find("0123456789ab/a.js") == (found.files["a.js"], True)
    assert found.find("0123456789ab/client/a.js") == (found.files["client/a.js"], True)


@pytest.mark.parametrize("path", ["a.js", "ba9876543210/a.js"])
def test_another_version_gets_what_there_is_and_asks_again(path: str) -> None:
    found = assets(**{"a.js": "a"})
    assert found.find(path) == (found.files["a.js"], False)


@pytest.mark.parametrize(
    "path", ["", "b.js", "0123456789ab/b.js", "../a.js", "0123456789ab/", "a.js/"]
)
def test_nothing_else_is_found(path: str) -> None:
    assert assets(**{"a.js": "a"}).find(path)[0] is None


def test_a_resource_is_compressed_only_where_that_is_shorter() -> None:
    long = Resource.of(b"x" * 1000, "text/css")
    assert long.gzipped is not None
    assert gzip.decompress(long.gzipped) == long.body
    assert Resource.of(b"x", "text/css").gzipped is None
    assert long.etag == digest(long.body) != digest(b"")
