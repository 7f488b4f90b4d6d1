"""The description is well formed, and says what is really sent."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.comment import MAX_KEY, check_idempotency_key
from wire.errors import InvalidField
from wire.ids import EventId
from wire.sse import (
    ByeReason,
    GapReason,
    ResetReason,
    bye_frame,
    gap_frame,
    hello_frame,
    reset_frame,
)
from writer.openapi import openapi_document
from writer.openapi_types import ByeEvent, GapEvent, HelloEvent, ResetEvent

DOCUMENT: dict[str, Any] = json.loads(openapi_document())
START = EventId("abcdefghijkl", 3)


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [ref for child in value.values() for ref in references(child)]
    if isinstance(value, list):
        return [ref for child in value for ref in references(child)]
    return []


def test_every_reference_exists() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in references(DOCUMENT)} <= set(
        schemas
    )


def test_it_names_the_paths_and_their_statuses() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    paths = DOCUMENT["paths"]
    base = "/v1/videos/{video_id}"
    assert set(paths) == {f"{base}/comments", f"{base}/comments/{{seq}}", f"{base}/stream"}
    assert set(paths[f"{base}/comments"]["post"]["responses"]) == {
        *("200", "201", "400", "404", "405", "411", "413", "415", "422", "429", "503")
    }


def test_operation_ids_are_unique() -> None:
    ids = [
        operation["operationId"]
        for path in DOCUMENT["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(ids) == len(set(ids)) == 4


@given(st.text(st.characters(max_codepoint=0x100), max_size=MAX_KEY + 2))
def test_a_key_that_fits_the_document_is_taken(key: str) -> None:
    sent = key.strip(" \t")  # what is left of it in a header
    post = DOCUMENT["paths"]["/v1/videos/{video_id}/comments"]["post"]
    (rule,) = [field["schema"] for field in post["parameters"] if field["in"] == "header"]
    fits = re.fullmatch(rule["pattern"], key) is not None
    if fits and rule["minLength"] <= len(key) <= rule["maxLength"]:
        assert check_idempotency_key(sent) == key
    elif sent == key:
        with pytest.raises(InvalidField):
            check_idempotency_key(sent)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (hello_frame("v", "node-1", START, 9), HelloEvent),
        (gap_frame("abcdefghijkl", 4, 8, GapReason.LIMIT), GapEvent),
        (reset_frame(START, ResetReason.EPOCH), ResetEvent),
        (bye_frame(ByeReason.DRAIN), ByeEvent),
    ],
)
def test_events_are_described_as_they_are_sent(frame: bytes, kind: type) -> None:
    (data,) = [line[6:] for line in frame.splitlines() if line.startswith(b"data: ")]
    msgspec.json.decode(data, type=kind)
    assert set(json.loads(data)) == {f.encode_name for f in msgspec.structs.fields(kind)}
