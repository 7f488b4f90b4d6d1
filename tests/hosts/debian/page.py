"""The blocks of docs/hosts.md, as they are printed: what runs is what a person would copy."""

from __future__ import annotations

from tests.hosts.units import ROOT

_PAGE = ROOT / "docs" / "hosts.md"
_REPOSITORY = "<where this repository is>"
VERSION = "<version>"  # stays in the block


def read_blocks(repository: str) -> dict[str, list[str]]:
    """Those below each numbered heading of `Three Debian hosts`, by its words (`Start`), in their
    order. The repository is put where the page leaves a place for it.
    """
    text = _PAGE.read_text().split("\n## Three Debian hosts\n")[1].split("\n## ")[0]
    found: dict[str, list[str]] = {}
    for part in text.split("\n### ")[1:]:
        heading, _, body = part.partition("\n")
        blocks = body.split("\n```\n")[1::2]
        found[heading.partition(" ")[2]] = [
            block.replace(_REPOSITORY, repository) for block in blocks
        ]
    return found
