"""The catalogue of sentences against the files that use it."""

from __future__ import annotations

import inspect
import re

import pytest

import wire.errors
from pages.assets import STATIC, read_files
from pages.documents import PAGES
from pages.joined import needed
from wire.errors import LivecommentsError

SCRIPTS = {path.name: path.read_text() for path in STATIC.glob("*.js")}
# Said by keys that are made of a word of the API or of a page: `state.live`, `badge.owner`.
MADE = ("state.", "badge.", "act.", "tab.", "term.", "short.", "audit.")
# Refusals that no call of a page gets: it sends what is well-formed, does not ask for counts, and
# `peer_failed` is ours.
NEVER = {
    "not_json", "bad_request", "method_not_allowed", "length_required", "unsupported_media_type",
    "expectation_failed", "counts_unknown", "peer_failed",
}  # fmt: skip


def keys(source: str) -> set[str]:
    """The keys of a table of sentences."""
    return set(re.findall(r'^  "?([a-z_.]+)"?: ', source, re.MULTILINE))


def said(source: str) -> set[str]:
    in_scripts = re.findall(r'\bsay\(\s*"([a-z_.]+)"', source)
    # `say(x ? "a" : "b")`, and a key that is handed on.
    in_turn = re.findall(r'\bsay\([^()"]*\? "([a-z_.]+)" : "([a-z_.]+)"', source)
    in_documents = re.findall(r'data-(?:text|label|hint)="([a-z_.]+)"', source)
    return {*in_scripts, *(key for pair in in_turn for key in pair), *in_documents}


@pytest.mark.parametrize("page", PAGES)
def test_every_sentence_that_a_page_says_is_in_its_catalogue(page: str) -> None:
    known = keys(SCRIPTS["messages.js"]) | keys(SCRIPTS[f"{page}_texts.js"])
    known |= {key.removesuffix(".other") for key in known}
    own = [name for name in _modules(page) if name in SCRIPTS]
    used = set().union(*(said(SCRIPTS[name]) for name in own))
    used |= said((STATIC / f"{page}.html").read_text())
    assert sorted(used - known) == []


@pytest.mark.parametrize("page", PAGES)
def test_no_sentence_is_left_over(page: str) -> None:
    text = "".join(
        SCRIPTS[name] for name in _modules(page) if name in SCRIPTS and "texts" not in name
    )
    text += (STATIC / f"{page}.html").read_text()
    plain = {re.sub(r"\.(one|other)$", "", key) for key in keys(SCRIPTS[f"{page}_texts.js"])}
    assert sorted(key for key in plain if f'"{key}"' not in text and not key.startswith(MADE)) == []


def test_every_refusal_of_the_api_has_a_meaning_for_people() -> None:
    errors = [each for _, each in inspect.getmembers(wire.errors, inspect.isclass)]
    codes = {each.code for each in errors if issubclass(each, LivecommentsError)}
    known = keys(SCRIPTS["problems.js"]) | {"invalid_field"}
    assert sorted(codes - known - NEVER) == []


def _modules(page: str) -> list[str]:
    sources = {name: body.decode() for name, body in read_files().items() if name.endswith(".js")}
    return needed(sources, f"{page}.js")
