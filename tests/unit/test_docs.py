"""The documents against the repository: what they name exists, and prose is wrapped.

Decided by text alone, so a name counts as existing if it is a string somewhere in the product.
CHANGELOG and decisions are history: they may name what is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.test_layers import OURS, PRODUCT, ROOT, files_of

DOCS = [
    "README.md",
    "CONTRIBUTING.md",
    "deploy/helm/livecomments/README.md",
    *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")),
]
TEXTS = {name: (ROOT / name).read_text() for name in sorted(DOCS)}
MAX_LINE, MAX_README = 120, 149
# First parts of paths of the repository, or of paths below tests/; others are made at run time.
TOPS = {name.split(".")[0] for name in OURS} | {"clients", "docs", "compose", "deploy", ".ci"}
FLOORS = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
MADE = {"bench/results/", "compose/project.json"}  # by commands

_CODE_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_LONG_WORD = re.compile(r"\S{60,}")  # such as an address: it cannot be wrapped
_NAME = re.compile(r"([a-z]+(?:_[a-z]+)*)(?:\{[a-z,]+\})?")
_STRING = re.compile(r'"(?:livecomments_)?([a-z_]+)"')
_EXPORT = re.compile(r'(?:[cC]ounter|[gG]auge|[hH]istogram)s?\(\s*"(?:livecomments_)?([a-z_]+)"')


def prose(name: str) -> str:
    return _CODE_BLOCK.sub("", TEXTS[name])


def spans(text: str) -> Iterator[str]:
    yield from (" ".join(span.split()) for span in _SPAN.findall(text))


def section(name: str, heading: str) -> str:
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", prose(name), re.DOTALL | re.MULTILINE)
    assert found, f"{name} has no section {heading}"
    return found[1]


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _CODE_BLOCK.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def product() -> str:
    return "\n".join(path.read_text() for path in files_of(*PRODUCT).values())


def exists(word: str) -> bool:
    """Whether the repository has what a word of code names, if it is a path of the repository."""
    first, _, rest = word.partition("/")
    if not rest and not word.endswith("/"):
        return not word.endswith(".py") or any(ROOT.glob(f"[!.]*/**/{word}"))
    if first in TOPS:
        return (ROOT / word).exists() or word in MADE
    path = ROOT / "tests" / word
    return first not in FLOORS or path.exists() or path.with_suffix(".py").exists()


@pytest.mark.parametrize("name", TEXTS)
def test_paths_exist(name: str) -> None:
    words = {word for span in spans(prose(name)) for word in span.split() if _PATH.fullmatch(word)}
    assert [word for word in sorted(words) if not exists(word)] == []


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_anchors_resolve(name: str) -> None:
    for link in _LINK.findall(_SPAN.sub("", prose(name))):
        target, _, anchor = link.partition("#")
        path = (ROOT / name).parent / target if target else ROOT / name
        if "://" not in link:
            assert path.exists(), link
            assert not anchor or anchor in anchors(path), link


@pytest.mark.parametrize("name", TEXTS)
def test_prose_is_wrapped(name: str) -> None:
    lines = [line for line in prose(name).splitlines() if not line.startswith("|")]
    assert [line for line in lines if len(line) > MAX_LINE and not _LONG_WORD.search(line)] == []


def test_the_readme_is_short() -> None:
    assert len(TEXTS["README.md"].splitlines()) <= MAX_README


@pytest.mark.parametrize("heading", ["Metrics", "Logs"])
def test_what_operations_names_is_in_the_product(heading: str) -> None:
    """Metrics, values of their labels, and log events."""
    names = map(_NAME.fullmatch, spans(section("docs/operations.md", heading)))
    named = {match[1].removesuffix("_total") for match in names if match}
    assert sorted(named - set(_STRING.findall(product()))) == []


def test_metrics_of_the_architecture_are_exported() -> None:
    names = [span for span in spans(section("docs/architecture.md", "Bounds")) if "_total" in span]
    known = set(_STRING.findall(product()))
    assert [name for name in names if name.removesuffix("_total") not in known] == []


def test_every_exported_metric_is_in_operations() -> None:
    named = {span.partition("{")[0] for span in spans(section("docs/operations.md", "Metrics"))}
    exported = set(_EXPORT.findall(product()))
    assert sorted(name for name in exported if not {name, f"{name}_total"} & named) == []
