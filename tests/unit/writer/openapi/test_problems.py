"""Every way to go wrong that a client can see is in the description, with its status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from wire.errors import Forbidden, LivecommentsError, PeerError, PermissionDenied
from writer.openapi.document import openapi_document
from writer.openapi.problem_sets import EVERY

DOCUMENT: dict[str, Any] = json.loads(openapi_document())
INSIDE = {Forbidden, PeerError}  # between our processes only
OPERATIONS = [
    operation
    for item in (DOCUMENT["paths"] | DOCUMENT["x-event-streams"]).values()
    for method, operation in item.items()
    if method != "parameters"
]


def tree(kind: type[LivecommentsError]) -> Iterator[type[LivecommentsError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


def public_codes() -> set[tuple[int, str]]:
    kinds = [kind for kind in tree(LivecommentsError) if kind.__module__ == "wire.errors"]
    own = {kind for kind in kinds if "code" in vars(kind)} - INSIDE | {PermissionDenied}
    return {(kind.status, kind.code) for kind in own}


def problems(operation: dict[str, Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for status, response in operation["responses"].items():
        for media in response["content"].values():
            if media["schema"] == {"$ref": "#/components/schemas/Problem"}:
                for code, example in media["examples"].items():
                    yield int(status), code, example["value"]


def test_the_codes_of_each_status_are_those_of_our_errors() -> None:
    described = {(s, code) for op in OPERATIONS for s, code, _ in problems(op)}
    assert described == public_codes()


def test_the_enumeration_is_of_these_codes() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Problem"]["properties"]["code"] == {"$ref": "#/components/schemas/ProblemCode"}
    assert sorted(schemas["ProblemCode"]["enum"]) == sorted(code for _, code in public_codes())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["operationId"])
def test_every_error_is_a_problem_with_an_example_of_each_code(operation: dict[str, Any]) -> None:
    errors = {int(status) for status in operation["responses"] if int(status) >= 400}
    assert {status for status, _, _ in problems(operation)} == errors
    for status, code, example in problems(operation):
        assert (example["status"], example["code"]) == (status, code)


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.code)
def test_headers_of_an_error_are_described_for_its_status(error: LivecommentsError) -> None:
    for operation in OPERATIONS:
        if response := operation["responses"].get(str(error.status)):
            assert set(error.headers) <= set(response["headers"])
