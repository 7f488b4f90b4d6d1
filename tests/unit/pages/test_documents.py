from __future__ import annotations

import re

import pytest

from pages.assets import STATIC, load_assets, script_of
from pages.config import PagesConfig
from pages.documents import EMBED, HOME, MAX_SCRIPT_BYTES, MODERATE, PAGES, make_documents

ASSETS = load_assets(PAGES)
DOCUMENTS = make_documents(PagesConfig(("'self'", "https://a.example")), ASSETS)


def text(page: str) -> str:
    return DOCUMENTS[page].content.body.decode()


@pytest.mark.parametrize("page", [HOME, *PAGES])
def test_a_page_has_no_script_and_no_style_of_its_own(page: str) -> None:
    assert re.findall(r"<script(?! type=\"module\" src=\"/assets/)", text(page)) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", text(page)) == []


@pytest.mark.parametrize("page", [HOME, *PAGES])
def test_everything_that_a_page_names_is_an_asset_of_this_version(page: str) -> None:
    named = re.findall(r'<(?!a )[^>]*(?:href|src)="([^"]*)"', text(page))
    assert {path.removeprefix(f"{ASSETS.folder}/") for path in named} <= set(ASSETS.files)
    assert "@" not in text(page)


@pytest.mark.parametrize("page", PAGES)
def test_the_script_of_a_page_is_small_on_the_line(page: str) -> None:
    script = ASSETS.files[script_of(page)]
    assert script.gzipped is not None
    assert len(script.gzipped) < MAX_SCRIPT_BYTES


def test_the_frame_knows_whom_to_hear() -> None:
    assert 'content="&#x27;self&#x27; https://a.example"' in text(EMBED)
    assert (
        "frame-ancestors 'self' https://a.example"
        in DOCUMENTS[EMBED].headers["Content-Security-Policy"]
    )


def test_moderators_are_framed_by_nobody_and_signed_in_by_whom_is_named() -> None:
    headers = DOCUMENTS[MODERATE].headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert 'content="&#x27;self&#x27; https://a.example"' in text(MODERATE)
    assert "Cross-Origin-Opener-Policy" not in headers


@pytest.mark.parametrize("origins", [("'self'",), ("*",)], ids=["own", "any"])
def test_a_page_of_any_origin_at_all_does_not_sign_a_moderator_in(origins: tuple[str, ...]) -> None:
    page = make_documents(PagesConfig(origins), ASSETS)[MODERATE]
    assert "*" not in re.findall(r'origins" content="(.*?)"', page.content.body.decode())[0]
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_no_file_but_the_base_names_a_colour() -> None:
    coloured = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(")
    named = {path.name for path in STATIC.glob("*.css") if coloured.search(path.read_text())}
    assert named == {"base.css"}
