"""The description is well formed, and fit for those who generate clients from it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.comment import MAX_KEY, check_idempotency_key
from wire.errors import InvalidField
from writer.openapi.document import openapi_document

DOCUMENT: dict[str, Any] = json.loads(openapi_document())
COMPONENTS = DOCUMENT["components"]
COMMENTS = "/v1/videos/{video_id}/comments"
STREAM = "/v1/videos/{video_id}/stream"
OPERATIONS = {
    operation["operationId"]: operation
    for item in (DOCUMENT["paths"] | DOCUMENT["x-event-streams"]).values()
    for method, operation in item.items()
    if method != "parameters"
}
RULES = (
    *("settings", "pin", "sanctions", "sanctions/{author_id}", "me"),
    *("filters", "filters/test", "held", "held/{held_id}", "audit", "export"),
)
EVERY = pytest.mark.parametrize("name", OPERATIONS)
# What generators put before or after a name to make another: constructors and the like.
BEFORE = ("New", "Nullable", "Allowed", "instanceOf", "Opt", "Post", "Api")
AFTER = ("WithDefaults", "FromJSON", "ToJSON", "Request", "Response", "Params", "Enum", "Api")
# Words that are a class, a type or a package in one of the languages, or in what is generated.
TAKEN = {"object", "string", "error", "exception", "response", "request", "client", "configuration"}
TAKEN |= {"date", "list", "map", "set", "event", "type", "model", "api", "unset", "file", "any"}


def nodes(value: dict[str, Any] | list[Any]) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, (dict, list)):
            yield from nodes(child)


def test_every_reference_exists() -> None:
    for node in nodes(DOCUMENT):
        if "$ref" in node:
            _, _, kind, name = node["$ref"].split("/")
            assert name in COMPONENTS[kind]
            assert set(node) == {"$ref"}, "generators refuse what stands beside a reference"


def test_it_names_the_paths_and_their_statuses() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert set(DOCUMENT["paths"]) == {
        *(COMMENTS, f"{COMMENTS}/{{seq}}", f"{COMMENTS}/{{seq}}/restore"),
        *("/v1/videos/{video_id}/entries", "/v1/videos/{video_id}/removals"),
        *("/v1/videos/{video_id}/tickets", "/v1/videos/{video_id}/viewers"),
        *(f"/v1/videos/{{video_id}}/{path}" for path in RULES),
        *("/v1/sanctions", "/v1/sanctions/{author_id}"),
        *("/v1/audit", "/v1/erasures", "/v1/erasures/{author_id}", "/v1/revocations"),
    }
    assert set(OPERATIONS["postComment"]["responses"]) == {
        *("200", "201", "202", "400", "401", "403", "404", "405", "409", "410", "411", "413"),
        *("415", "417", "422", "429"),
        *("500", "502", "503", "504"),
    }


def test_a_stream_is_described_but_is_no_path_for_which_a_method_is_made() -> None:
    assert set(DOCUMENT["x-event-streams"]) == {STREAM}
    paths = json.dumps(DOCUMENT["paths"])
    assert "text/event-stream" not in paths
    assert "streamComments" not in paths


def test_the_server_is_whatever_the_document_came_from() -> None:
    assert [server["url"] for server in DOCUMENT["servers"]] == ["/"]


def test_operation_ids_are_words_in_every_language() -> None:
    assert set(OPERATIONS) == {
        *("postComment", "listComments", "getComment", "streamComments"),
        *("listEntries", "removeComment", "removeComments", "restoreComment"),
        *("createTicket", "getViewers"),
        *("getSettings", "changeSettings", "pinComment", "unpinComment", "getStanding"),
        *("listSanctions", "getSanction", "setSanction", "liftSanction"),
        *("getFilters", "replaceFilters", "tryFilters", "listHeld", "decideHeld"),
        *("readAudit", "readSiteAudit", "exportLog"),
        *("listSiteSanctions", "getSiteSanction", "setSiteSanction", "liftSiteSanction"),
        *("eraseAuthor", "getErasure", "revokeTokens"),
    }
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)+", name) for name in OPERATIONS)


@EVERY
def test_every_operation_says_what_it_does(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    (tag,) = operation["tags"]
    assert {"name": tag} in [{"name": known["name"]} for known in DOCUMENT["tags"]]


@EVERY
def test_every_parameter_body_and_reply_has_a_text_and_an_example(name: str) -> None:
    operation = OPERATIONS[name]
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    bodies += operation["responses"].values()
    fields = [*operation.get("parameters", []), *COMPONENTS["parameters"].values()]
    fields += COMPONENTS["headers"].values()
    assert all(part["description"] for part in [*fields, *bodies])
    for part in [*fields, *(media for body in bodies for media in body["content"].values())]:
        assert "example" in part or part["examples"]


@EVERY
def test_every_reply_has_the_request_id(name: str) -> None:
    for reply in OPERATIONS[name]["responses"].values():
        assert reply["headers"]["X-Request-Id"] == {"$ref": "#/components/headers/RequestId"}


def test_no_name_is_made_of_another_one() -> None:
    names = {name.lower() for kind in COMPONENTS.values() for name in kind}
    assert len(names) == sum(len(kind) for kind in COMPONENTS.values())
    stems = names | {name.lower() for name in OPERATIONS}
    made = {before.lower() + stem for before in BEFORE for stem in stems}
    made |= {stem + after.lower() for stem in stems for after in AFTER}
    assert not names & (made | TAKEN | {tag["name"] + "api" for tag in DOCUMENT["tags"]})


def test_every_schema_has_a_type_and_every_enumeration_is_of_strings() -> None:
    for schema in nodes(COMPONENTS["schemas"]):
        if "properties" in schema:
            assert schema["type"] == "object"
            assert all(
                "type" in field or "$ref" in field
                for value in schema["properties"].values()
                for field in value.get("anyOf", [value])
            )
            for value in schema["properties"].values():
                if "anyOf" in value:  # something or null; generators know that
                    assert len(value["anyOf"]) == 2
                    assert {"type": "null"} in value["anyOf"]
        if "enum" in schema:
            assert schema["type"] == "string"
        if schema.get("type") == "integer":
            assert schema["format"] in ("int32", "int64")


def test_values_of_named_enumerations_are_different() -> None:
    """In Go they share one namespace."""
    values = [schema["enum"] for schema in COMPONENTS["schemas"].values() if "enum" in schema]
    flat = list(itertools.chain(*values))
    assert len(flat) == len(set(flat)) > 0


def test_what_is_received_may_grow_and_what_is_sent_may_not() -> None:
    objects = {k: v for k, v in COMPONENTS["schemas"].items() if v["type"] == "object"}
    open_ones = {name for name, schema in objects.items() if schema["additionalProperties"]}
    assert set(objects) - open_ones == {
        *("CommentInput", "RemovalInput", "SettingsInput", "PinInput", "SanctionInput"),
        *("FiltersInput", "FilterTermInput", "TrialInput", "DecisionInput"),
        *("AuthorInput", "RevocationInput"),
    }
    assert {name for name in objects if name.endswith("Input")} == set(objects) - open_ones


@given(st.text(st.characters(max_codepoint=0x100), max_size=MAX_KEY + 2))
def test_a_key_that_fits_the_document_is_taken(key: str) -> None:
    sent = key.strip(" \t")  # what is left of it in a header
    post = OPERATIONS["postComment"]
    (rule,) = [field["schema"] for field in post["parameters"] if field["in"] == "header"]
    fits = re.fullmatch(rule["pattern"], key) is not None
    if fits and rule["minLength"] <= len(key) <= rule["maxLength"]:
        assert check_idempotency_key(sent) == key
    elif sent == key:
        with pytest.raises(InvalidField):
            check_idempotency_key(sent)
