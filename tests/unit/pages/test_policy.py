from __future__ import annotations

import pytest

from pages.policy import accepts_gzip, asset_headers, document_headers


def directives(headers: dict[str, str]) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def test_a_document_runs_our_files_and_nothing_else() -> None:
    policy = directives(document_headers(()))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in document_headers(())["Content-Security-Policy"]


def test_only_who_is_named_may_frame_it() -> None:
    headers = document_headers(["'self'", "https://a.example"])
    assert directives(headers)["frame-ancestors"] == "'self' https://a.example"
    assert "X-Frame-Options" not in headers, "it would overrule the list"


def test_a_page_that_nobody_may_frame_says_so_in_both_ways() -> None:
    headers = document_headers(())
    assert directives(headers)["frame-ancestors"] == "'none'"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_page_that_others_open_keeps_their_handle_and_is_framed_by_nobody() -> None:
    headers = document_headers((), opened_by_others=True)
    assert directives(headers)["frame-ancestors"] == "'none'"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Cross-Origin-Opener-Policy" not in headers


def test_documents_are_asked_for_each_time_and_files_of_this_version_never_again() -> None:
    assert document_headers(())["Cache-Control"] == "no-cache"
    assert asset_headers(for_good=False)["Cache-Control"] == "no-cache"
    assert "immutable" in asset_headers(for_good=True)["Cache-Control"]
    assert asset_headers(for_good=True)["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("header", ["gzip", "br, GZIP", "deflate, gzip;q=0.5", "*", "gzip ; q=1.0"])
def test_gzip_is_taken(header: str) -> None:
    assert accepts_gzip(header)


@pytest.mark.parametrize("header", ["", "br", "identity", "gzip;q=0", "gzip; q=0.000", "xgzip"])
def test_gzip_is_not_taken(header: str) -> None:
    assert not accepts_gzip(header)
