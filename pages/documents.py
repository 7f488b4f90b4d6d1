"""The documents of the pages, made once at the start from `static/<page>.html`."""

from __future__ import annotations

import html
import string
from collections.abc import Mapping
from dataclasses import dataclass

from pages.assets import STATIC, Assets, script_of
from pages.config import SELF, PagesConfig
from pages.policy import document_headers
from pages.resource import Resource
from wire.origins import ANY

MAX_SCRIPT_BYTES = 60 * 1024  # of a page, as it goes over the line
_HTML = "text/html; charset=utf-8"
HOME, EMBED, MODERATE = "home", "embed", "moderate"
PAGES = (EMBED, MODERATE)  # those with a script


class _Template(string.Template):
    delimiter = "@"


@dataclass(frozen=True, slots=True)
class Document:
    """A page as it is served."""

    content: Resource
    headers: Mapping[str, str]


def make_documents(config: PagesConfig, assets: Assets) -> dict[str, Document]:
    """All pages, by name."""
    return {
        HOME: _document(HOME, assets, ()),
        EMBED: _document(EMBED, assets, config.embed_origins, framed=True),
        # Framed by nobody; but an application that opens it may hand it its moderator's token. That
        # must be one that is named, or any page could make somebody act as somebody else.
        MODERATE: _document(
            MODERATE, assets, tuple(origin for origin in config.embed_origins if origin != ANY)
        ),
    }


def _document(
    page: str, assets: Assets, trusted: tuple[str, ...], *, framed: bool = False
) -> Document:
    """trusted: whose tokens it takes; framed: who may frame it too."""
    text = _Template((STATIC / f"{page}.html").read_text("utf-8")).substitute(
        assets=assets.folder,
        script=f"{assets.folder}/{script_of(page)}",
        origins=html.escape(" ".join(trusted)),
    )
    headers = document_headers(
        trusted if framed else (), opened_by_others=any(origin != SELF for origin in trusted)
    )
    return Document(Resource.of(text.encode(), _HTML), headers)
