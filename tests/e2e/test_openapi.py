"""Whatever fits `/openapi.json`, and whatever does not, through the gateway: schemathesis makes the
requests and holds each answer against the document. No 5xx, no answer that is not in it, no good
request refused, no bad one taken.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests
from hypothesis import given, settings
from schemathesis import GenerationMode, Response
from schemathesis.specs.openapi.schemas import OpenApiSchema

from cluster.cluster import Cluster
from cluster.issuer import DevelopmentIssuer
from tests.e2e.described import (
    LIFE_S,
    SLOW,
    TIMEOUT_S,
    AnyCase,
    first_event,
    judge,
    load,
    load_signed,
    operation,
)
from tests.support import examples
from wire.sse import CONTENT_TYPE

ELSEWHERE = "of-another-moderator"
OPERATIONS = ("postComment", "listComments", "getComment", "getViewers")
# Of moderators and admins; by number and id they find nothing but what they made themselves.
MODERATED = (
    *("listEntries", "getSettings", "changeSettings", "pinComment", "unpinComment", "getStanding"),
    *("removeComment", "removeComments", "restoreComment", "createTicket"),
    *("listSanctions", "getSanction", "setSanction", "liftSanction"),
    *("getFilters", "replaceFilters", "tryFilters", "listHeld", "decideHeld"),
    *("readAudit", "readSiteAudit", "exportLog"),
    *("listSiteSanctions", "getSiteSanction", "setSiteSanction", "liftSiteSanction"),
    *("eraseAuthor", "getErasure", "revokeTokens"),
)
OPEN = {"listEntries", "getSettings", "getStanding"}  # also without a token
OF_ANYBODY = OPEN | {"createTicket"}  # whatever the roles of the token


@pytest.fixture(scope="module")
def schema(running_cluster: Cluster) -> OpenApiSchema:
    return load(running_cluster)


@pytest.fixture(scope="module")
def signed(running_cluster: Cluster) -> OpenApiSchema:
    return load_signed(running_cluster)


@pytest.fixture(scope="module")
def issuer(running_cluster: Cluster) -> DevelopmentIssuer:
    return DevelopmentIssuer.load(running_cluster.folder.issuer)


@pytest.fixture(scope="module")
def session() -> requests.Session:
    return requests.Session()


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
@pytest.mark.parametrize("name", MODERATED)
def test_every_answer_to_an_admin_is_in_the_document(
    signed: OpenApiSchema,
    session: requests.Session,
    issuer: DevelopmentIssuer,
    name: str,
    mode: GenerationMode,
) -> None:
    """The checks also send what was taken without a token, and with a bad one."""
    who = {"sub": "ada", "name": "Ada"}
    bearer = {"Authorization": f"Bearer {issuer.token(who, {'*': ['admin']}, LIFE_S)}"}
    statuses = set()

    @settings(max_examples=examples(20), suppress_health_check=SLOW)
    @given(case=operation(signed, name).as_strategy(mode))
    def run(case: AnyCase) -> None:
        reply = case.call(session=session, headers=bearer, timeout=TIMEOUT_S)
        judge(case, reply, bearer)
        statuses.add(reply.status_code)

    run()
    assert not statuses & {401, 403}
    assert statuses & ({200, 201, 202, 404} if mode is GenerationMode.POSITIVE else {400, 404, 422})


@pytest.mark.parametrize("name", sorted(set(MODERATED) - OF_ANYBODY))
def test_what_is_for_moderators_is_for_nobody_else(
    signed: OpenApiSchema, session: requests.Session, issuer: DevelopmentIssuer, name: str
) -> None:
    """Nor for those of another video."""
    token = issuer.token({"sub": "max", "name": "Max"}, {ELSEWHERE: ["moderator"]}, LIFE_S)
    other = {"Authorization": f"Bearer {token}"}
    # An author may remove an own comment, so this depends on whose it is.
    refusal = 404 if name == "removeComment" else 403

    @settings(max_examples=examples(5), suppress_health_check=SLOW)
    @given(case=operation(signed, name).as_strategy(GenerationMode.POSITIVE))
    def run(case: AnyCase) -> None:
        assert case.call(session=session, timeout=TIMEOUT_S).status_code == 401
        assert case.call(session=session, headers=other, timeout=TIMEOUT_S).status_code in (
            *(refusal, 403),
        )

    run()


def test_every_operation_is_asked(schema: OpenApiSchema) -> None:
    items = schema.raw_schema["paths"].values()
    methods = [one for item in items for name, one in item.items() if name != "parameters"]
    assert {one["operationId"] for one in methods} == {*OPERATIONS, *MODERATED, "streamComments"}


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
