"""The documents of the pages, made once at the start from `static/<page>.html`."""

from __future__ import annotations

import html
import string
from collections.abc import Mapping
from dataclasses import dataclass

from pages.assets import STATIC, Assets, script_of
from pages.config import PagesConfig
from pages.policy import document_headers
from pages.resource import Resource

MAX_SCRIPT_BYTES = 60 * 1024  # of a page, as it goes over the line
_HTML = "text/html; charset=utf-8"
EMBED, MODERATE = "embed", "moderate"
PAGES = (EMBED, MODERATE)


class _Template(string.Template):
    delimiter = "@"


@dataclass(frozen=True, slots=True)
class Document:
    """A page as it is served."""

    content: Resource
    headers: Mapping[str, str]


def make_documents(config: PagesConfig, assets: Assets) -> dict[str, Document]:
    """All pages, by name."""
    framed_by = {EMBED: config.embed_origins}
    return {page: _document(page, assets, framed_by.get(page, ())) for page in PAGES}


def _document(page: str, assets: Assets, framed_by: tuple[str, ...]) -> Document:
    text = _Template((STATIC / f"{page}.html").read_text("utf-8")).substitute(
        assets=assets.folder,
        script=f"{assets.folder}/{script_of(page)}",
        origins=html.escape(" ".join(framed_by)),
    )
    return Document(Resource.of(text.encode(), _HTML), document_headers(framed_by))
