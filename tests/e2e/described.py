"""The document of a running cluster as schemathesis reads it, and how answers are judged by it."""

from __future__ import annotations

import re
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck
from schemathesis import Case, Response
from schemathesis.checks import CHECKS
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.schemas import OpenApiSchema

from cluster.cluster import Cluster
from tests.sse_parser import SseParser

TIMEOUT_S, LIFE_S = 20, 3600
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
AnyCase = Case[Any]
Operation = APIOperation[Any, Any, Any, Any]
# What a schema cannot say: that an id must be of this store's epoch, that only one of two may be
# given, that a key belongs to the comment that it came with; that a time is in the future, that a
# term is a pattern or has something to be found by, that nobody has changed it meanwhile, what the
# filters of a video are.
UNSAYABLE = {"idempotency_key_reused", "after", "before", "until", "precondition_failed", "blocked"}
_OF_A_TERM = re.compile(r"terms(\[[0-9]+\]\.term)?")


def load(running_cluster: Cluster) -> OpenApiSchema:
    """With its streams among the paths."""
    url = f"{running_cluster.http_url}/openapi.json"
    document = requests.get(url, timeout=TIMEOUT_S).json()
    document["paths"] |= document.pop("x-event-streams")
    loaded = schemathesis.openapi.from_dict(document)
    loaded.location = url
    return loaded


def judge(case: AnyCase, reply: Response, headers: dict[str, str] | None = None) -> None:
    """All checks of schemathesis; a refusal is right where the schema could not have said so, and
    has a code that is described for its status. headers: those that were not made up.
    """
    if reply.status_code >= 400:
        response = case.operation.definition.raw["responses"][str(reply.status_code)]
        assert reply.json()["code"] in response["content"]["application/problem+json"]["examples"]
    gone = reply.status_code == 410  # which nobody can know before
    rightly = reply.status_code in (412, 422) and is_unsayable(reply.json(), case.body)
    names = ["positive_data_acceptance"] if rightly or gone else []
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
    """By its id."""
    found: Operation = schema.find_operation_by_id(name)
    return found


def first_event(reply: requests.Response) -> str:
    """The type of the first event; it must come within the time-out of a read."""
    parser = SseParser()
    for chunk in reply.iter_content(chunk_size=1):  # None would wait for the end
        for event in parser.feed(chunk):
            return event.type
    return "nothing"


def load_signed(running_cluster: Cluster) -> OpenApiSchema:
    """For requests with a token or a ticket of ours: none is made up."""
    loaded = load(running_cluster)
    loaded.config.generation.with_security_parameters = False
    return loaded
