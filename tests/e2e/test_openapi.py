"""Whatever fits `/openapi.json`, and whatever does not, through the gateway: schemathesis makes the
requests and holds each answer against the document. No 5xx, no answer that is not in it, no good
request refused, no bad one taken.
"""

from __future__ import annotations

import re
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
from cluster.issuer import DevelopmentIssuer
from tests.sse_parser import SseParser
from tests.support import examples
from wire.sse import CONTENT_TYPE

TIMEOUT_S, LIFE_S = 20, 3600
ELSEWHERE = "of-another-moderator"
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
AnyCase = Case[Any]
Operation = APIOperation[Any, Any, Any, Any]
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
# What a schema cannot say: that an id must be of this store's epoch, that only one of two may be
# given, that a key belongs to the comment that it came with; that a time is in the future, that a
# term is a pattern or has something to be found by, that nobody has changed it meanwhile.
UNSAYABLE = {"idempotency_key_reused", "after", "before", "until", "precondition_failed"}
_OF_A_TERM = re.compile(r"terms(\[[0-9]+\]\.term)?")


@pytest.fixture(scope="module")
def schema(running_cluster: Cluster) -> OpenApiSchema:
    return load(running_cluster)


@pytest.fixture(scope="module")
def signed(running_cluster: Cluster) -> OpenApiSchema:
    """For requests with a token of ours: none is made up."""
    loaded = load(running_cluster)
    loaded.config.generation.with_security_parameters = False
    return loaded


def load(running_cluster: Cluster) -> OpenApiSchema:
    url = f"{running_cluster.http_url}/openapi.json"
    document = requests.get(url, timeout=TIMEOUT_S).json()
    document["paths"] |= document.pop("x-event-streams")
    loaded = schemathesis.openapi.from_dict(document)
    loaded.location = url
    return loaded


@pytest.fixture(scope="module")
def issuer(running_cluster: Cluster) -> DevelopmentIssuer:
    return DevelopmentIssuer.load(running_cluster.folder.issuer)


@pytest.fixture(scope="module")
def session() -> requests.Session:
    return requests.Session()


def judge(case: AnyCase, reply: Response, headers: dict[str, str] | None = None) -> None:
    """All checks of schemathesis; a refusal is right where the schema could not have said so, and
    has a code that is described for its status. headers: those that were not made up.
    """
    if reply.status_code >= 400:
        response = case.operation.definition.raw["responses"][str(reply.status_code)]
        assert reply.json()["code"] in response["content"]["application/problem+json"]["examples"]
    rightly = reply.status_code in (412, 422) and is_unsayable(reply.json(), case.body)
    names = ["positive_data_acceptance"] if rightly else []
    if reply.status_code == 413:  # a refusal, which the check does not know as one
        names.append("negative_data_rejection")
    excluded: list[Any] = CHECKS.get_by_names(names)
    case.validate_response(reply, excluded_checks=excluded, headers=headers)


def is_unsayable(problem: dict[str, Any], body: object) -> bool:
    """Whether this refusal is of what fits the schema."""
    field = problem.get("field", "")
    named = bool({problem["code"], field} & UNSAYABLE)
    return named or _OF_A_TERM.fullmatch(field) is not None or has_float(body)


def has_float(value: object) -> bool:
    """To a schema 1.0 is an integer; to us it is none."""
    if isinstance(value, dict | list):
        return any(map(has_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


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


def first_event(reply: requests.Response) -> str:
    """The type of the first event; it must come within the time-out of a read."""
    parser = SseParser()
    for chunk in reply.iter_content(chunk_size=1):  # None would wait for the end
        for event in parser.feed(chunk):
            return event.type
    return "nothing"
