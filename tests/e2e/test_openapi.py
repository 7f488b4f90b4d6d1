"""Whatever fits `/openapi.json`, and whatever does not, through the gateway: schemathesis makes the
requests and holds each answer against the document. No 5xx, no answer that is not in it, no good
request refused, no bad one taken.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import CHECKS
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.schemas import OpenApiSchema

from cluster.cluster import Cluster
from tests.sse_parser import SseParser
from tests.support import examples
from wire.sse import CONTENT_TYPE

TIMEOUT_S = 20
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
AnyCase = Case[Any]
Operation = APIOperation[Any, Any, Any, Any]
OPERATIONS = ("postComment", "listComments", "getComment")
# What a schema cannot say: that an id must be of this store's epoch, that only one of two may be
# given, that a key belongs to the comment that it came with.
UNSAYABLE = ("idempotency_key_reused", "after", "before")


@pytest.fixture(scope="module")
def schema(running_cluster: Cluster) -> OpenApiSchema:
    url = f"{running_cluster.http_url}/openapi.json"
    document = requests.get(url, timeout=TIMEOUT_S).json()
    document["paths"] |= document.pop("x-event-streams")
    loaded = schemathesis.openapi.from_dict(document)
    loaded.location = url
    return loaded


@pytest.fixture(scope="module")
def session() -> requests.Session:
    return requests.Session()


def judge(case: AnyCase, reply: Response) -> None:
    """All checks of schemathesis; a refusal is right where the schema could not have said so, and
    has a code that is described for its status.
    """
    if reply.status_code >= 400:
        response = case.operation.definition.raw["responses"][str(reply.status_code)]
        assert reply.json()["code"] in response["content"]["application/problem+json"]["examples"]
    problem = reply.json() if reply.status_code == 422 else {}
    rightly = {problem.get("code"), problem.get("field")} & set(UNSAYABLE)
    excluded: list[Any] = CHECKS.get_by_names(["positive_data_acceptance"] if rightly else [])
    case.validate_response(reply, excluded_checks=excluded)


def operation(schema: OpenApiSchema, name: str) -> Operation:
    found: Operation = schema.find_operation_by_id(name)
    return found


@pytest.mark.parametrize("mode", GenerationMode, ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_in_the_document(
    schema: OpenApiSchema, session: requests.Session, name: str, mode: GenerationMode
) -> None:
    statuses = set()

    @settings(max_examples=examples(60), suppress_health_check=SLOW)
    @given(case=operation(schema, name).as_strategy(mode))
    def run(case: AnyCase) -> None:
        reply = case.call(session=session, timeout=TIMEOUT_S)
        judge(case, reply)
        statuses.add(reply.status_code)

    run()
    assert statuses & ({200, 201, 404} if mode is GenerationMode.POSITIVE else {400, 404, 422})


def test_what_was_posted_is_found_where_the_answer_says(schema: OpenApiSchema) -> None:
    """Posts, reads and histories in any order, linked as the document says."""

    class Machine(schema.exclude(operation_id="streamComments").as_state_machine()):  # type: ignore[misc]
        def validate_response(self, response: Response, case: AnyCase, **_: Any) -> None:
            judge(case, response)

    Machine.run(
        settings=settings(
            max_examples=examples(10), stateful_step_count=8, suppress_health_check=SLOW
        )
    )


@pytest.mark.parametrize("mode", GenerationMode, ids=str)
def test_every_stream_begins_with_hello_or_is_a_404(
    schema: OpenApiSchema, session: requests.Session, mode: GenerationMode
) -> None:
    @settings(max_examples=examples(30), suppress_health_check=SLOW)
    @given(case=operation(schema, "streamComments").as_strategy(mode))
    def run(case: AnyCase) -> None:
        how = case.as_transport_kwargs()
        with session.request(**how, timeout=TIMEOUT_S, stream=True) as reply:
            if reply.status_code == 200:
                assert reply.headers["Content-Type"] == CONTENT_TYPE
                assert first_event(reply) == "hello"
            else:
                assert reply.status_code in (400, 404, 405, 417), reply.text
                assert reply.headers["Content-Type"] == "application/problem+json"

    run()


def first_event(reply: requests.Response) -> str:
    """The type of the first event; it must come within the time-out of a read."""
    parser = SseParser()
    for chunk in reply.iter_content(chunk_size=1):  # None would wait for the end
        for event in parser.feed(chunk):
            return event.type
    return "nothing"
