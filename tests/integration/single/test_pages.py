"""The pages and their files, as HTTP; what a browser makes of them is in tests/pages/."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.integration.single.client import Connection
from tests.integration.single.conftest import ORIGIN, Single, StartSingle
from tests.raw_http import Reply, head

PAGES = ["/embed/v1", "/moderate/v-_1"]
GZIP = "Accept-Encoding: gzip, br"


async def ask(single: Single, path: str, *lines: str, method: str = "GET") -> Reply:
    return await (await single.connect()).ask(head(method, path, *lines))


def first_file(page: Reply) -> str:
    """The address of a file that the page names."""
    match = re.search(rb'href="(/assets/[0-9a-f]{12}/base\.css)"', page.body)
    assert match
    return match[1].decode()


@pytest.mark.parametrize("path", ["/", *PAGES])
async def test_a_page_is_a_document_with_a_policy(single: Single, path: str) -> None:
    page = await ask(single, path)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'"
    )
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-cache"


async def test_the_root_leads_to_the_pages_and_is_framed_by_nobody(single: Single) -> None:
    home = await ask(single, "/")
    links = re.findall(r'<a href="([^"]+)"', home.body.decode())
    assert [(await ask(single, path)).status for path in links] == [200] * 4
    assert "frame-ancestors 'none'" in home.headers["content-security-policy"]
    assert home.headers["cross-origin-opener-policy"] == "same-origin"


async def test_a_browser_that_guesses_gets_the_icon(single: Single) -> None:
    icon = await ask(single, "/favicon.ico")
    assert (icon.status, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert icon.body == (await ask(single, "/assets/icon.svg")).body


async def test_a_video_id_is_never_a_part_of_the_document(single: Single) -> None:
    one, other = [await ask(single, f"/embed/{video}") for video in ("v1", "x" * 64)]
    assert one.body == other.body


@pytest.mark.parametrize(
    "path", ["/embed/", "/embed/a.b", "/embed/a/b", f"/embed/{'x' * 65}", "/embed/%76"]
)
async def test_what_cannot_be_a_video_has_no_page(single: Single, path: str) -> None:
    assert (await ask(single, path)).json()["code"] == "not_found"


async def test_a_file_of_this_version_is_kept_and_others_are_asked_for(single: Single) -> None:
    path = first_file(await ask(single, "/embed/v1"))
    kept, asked = await ask(single, path), await ask(single, "/assets/base.css")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asked.headers["cache-control"] == "no-cache"
    assert kept.body == asked.body
    assert kept.headers["cross-origin-resource-policy"] == "same-origin"


async def test_the_clients_files_are_there(single: Single) -> None:
    reply = await ask(single, "/assets/client/index.js")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/javascript; charset=utf-8")


@pytest.mark.parametrize("path", ["/embed/v1", "/assets/base.css"])
async def test_it_is_sent_compressed_to_whom_that_suits(single: Single, path: str) -> None:
    plain, small = await ask(single, path), await ask(single, path, GZIP)
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert gzip.decompress(small.body) == plain.body
    assert "Accept-Encoding" in plain.headers["vary"]
    assert "Accept-Encoding" in small.headers["vary"]


@pytest.mark.parametrize("path", ["/embed/v1", "/assets/base.css"])
async def test_who_has_it_is_told_so(single: Single, path: str) -> None:
    tag = (await ask(single, path)).headers["etag"]
    known = await ask(single, path, f"If-None-Match: {tag}", GZIP)
    assert (known.status, known.body, known.headers["etag"]) == (304, b"", tag)
    assert (await ask(single, path, 'If-None-Match: "other"')).status == 200


async def test_it_varies_by_origin_too_where_origins_may_read(single: Single) -> None:
    reply = await ask(single, "/assets/base.css", f"Origin: {ORIGIN}")
    assert reply.headers["vary"] == "Origin, Accept-Encoding"
    assert reply.headers["access-control-allow-origin"] == ORIGIN


async def test_a_page_is_only_read(single: Single) -> None:
    reply = await ask(single, "/embed/v1", "Content-Length: 0", method="POST")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


async def test_pages_are_not_counted_as_reads_of_an_address(start_single: StartSingle) -> None:
    """A page is dozens of files; what the files ask for is counted."""
    single = await start_single(GET_RATE_PER_ADDRESS="0.001")
    connection: Connection = await single.connect()
    paths = ["/embed/v1", "/assets/base.css", "/assets/embed.js"] * 3
    assert {(await connection.ask(head("GET", path))).status for path in paths} == {200}


async def test_who_may_frame_it_is_a_setting(start_single: StartSingle) -> None:
    single = await start_single(EMBED_ORIGINS="https://a.example, https://b.example:8443")
    embed, moderate = [await ask(single, path) for path in PAGES]
    ancestors = "frame-ancestors 'self' https://a.example https://b.example:8443"
    assert ancestors in embed.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in moderate.headers["content-security-policy"]
    assert moderate.headers["x-frame-options"] == "DENY"
