"""What fits `/openapi.json`, asked by people with tokens and tickets, of videos with rules: the
answers of viewers, members and moderators, on the stores of a cluster.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from schemathesis import GenerationMode
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
    load_signed,
    operation,
)
from tests.support import examples
from wire.sse import CONTENT_TYPE

STORES = ("sqlite", "cassandra")
ROLES = ("viewer", "member", "moderator")
POST = "postComment"
READS = ("listComments", "getComment", "getViewers")
NAME = "Vera"
STAFF = "Mia"  # another name: nobody may look like who moderates a video
HOLD_ALL = {"terms": [{"term": "[^\\x00]", "kind": "pattern", "action": "hold"}]}
BLOCK_ALL = {"terms": [{"term": "[^\\x00]", "kind": "pattern", "action": "block"}]}
# Rules of a video, and what a post of a viewer gets there: its statuses and codes.
RULES: Mapping[str, tuple[dict[str, Any], dict[str, Any], set[tuple[int, str]]]] = {
    "none": ({}, {}, {(201, "")}),
    "closed": ({"closed": True}, {}, {(403, "closed")}),
    "members": ({"members_only": True}, {}, {(403, "members_only")}),
    "slow": ({"slow_mode_s": 3600}, {}, {(201, ""), (429, "slow_mode")}),
    "repeats": ({"repeats": False}, {}, {(201, ""), (409, "duplicate")}),
    "held": ({}, HOLD_ALL, {(202, "")}),
    "blocked": ({}, BLOCK_ALL, {(422, "blocked")}),
}


class People:
    """Tokens, tickets and videos of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._url = cluster.http_url
        self._issuer = DevelopmentIssuer.load(cluster.folder.issuer)

    def bearer(self, role: str, sub: str = "", name: str = NAME) -> dict[str, str]:
        """A header of somebody who has this role everywhere."""
        who = {"sub": sub or role, "name": name}
        return {"Authorization": f"Bearer {self._issuer.token(who, {'*': [role]}, LIFE_S)}"}

    def call(self, method: str, path: str, body: Any = None, role: str = "moderator") -> Any:
        """The document that is answered; it must be a success."""
        reply = requests.request(
            method,
            f"{self._url}/v1/videos/{path}",
            json=body,
            headers=self.bearer(role, "staff", STAFF),
            timeout=TIMEOUT_S,
        )
        assert reply.ok, reply.text
        return reply.json()

    def video(self, rules: dict[str, Any], filters: dict[str, Any]) -> str:
        """A new one under these rules, with a comment that its moderator has removed."""
        video_id = f"rules-{uuid.uuid4().hex[:12]}"
        self.call("POST", f"{video_id}/comments", {"text": "kept"})
        self.call("POST", f"{video_id}/comments", {"text": "gone"})
        self.call("DELETE", f"{video_id}/comments/2")
        if rules:
            self.call("PATCH", f"{video_id}/settings", rules)
        if filters:
            self.call("PUT", f"{video_id}/filters", filters)
        return video_id

    def ticket(self, video_id: str) -> str:
        """To read one video."""
        found: str = self.call("POST", f"{video_id}/tickets", role="viewer")["ticket"]
        return found


@pytest.fixture(scope="module")
def signed(running_cluster: Cluster) -> OpenApiSchema:
    return load_signed(running_cluster)


@pytest.fixture(scope="module")
def people(running_cluster: Cluster) -> People:
    return People(running_cluster)


@pytest.fixture(scope="module")
def session() -> requests.Session:
    return requests.Session()


def at(case: AnyCase, video_id: str) -> AnyCase:
    """The same request of that video."""
    case.path_parameters["video_id"] = video_id
    return case


def said(case: AnyCase, **members: str) -> None:
    """With these in the body."""
    body: Any = case.body
    body.update(members)


def of_this_log(case: AnyCase) -> None:
    """Numbers that are there, and no ids of another epoch."""
    query, path = case.query or {}, case.path_parameters
    for name in ("after", "before"):
        query.pop(name, None)
    if "seq" in path:
        path["seq"] = path["seq"] % 4 + 1


def code_of(reply: Any) -> str:
    return str(reply.json().get("code", "")) if reply.status_code >= 400 else ""


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("mode", GenerationMode, ids=str)
def test_every_answer_to_a_post_with_a_token_is_in_the_document(
    signed: OpenApiSchema,
    session: requests.Session,
    people: People,
    mode: GenerationMode,
    role: str,
) -> None:
    """With the own name as the author: another one is refused, which a schema cannot say."""
    bearer = people.bearer(role)
    statuses: set[int] = set()

    @settings(max_examples=examples(15), suppress_health_check=SLOW)
    @given(case=operation(signed, POST).as_strategy(mode))
    def run(case: AnyCase) -> None:
        if mode is GenerationMode.POSITIVE:
            said(case, author=NAME)
        reply = case.call(session=session, headers=bearer, timeout=TIMEOUT_S)
        judge(case, reply, bearer)
        statuses.add(reply.status_code)

    run()
    assert not statuses & {401, 403}
    assert statuses & ({200, 201} if mode is GenerationMode.POSITIVE else {400, 404, 415, 422})


@pytest.mark.parametrize("name", RULES)
def test_every_answer_of_a_video_with_rules_is_in_the_document(
    signed: OpenApiSchema, session: requests.Session, people: People, name: str
) -> None:
    """A viewer meets the rules; a moderator meets none but the filters that hold or block."""
    rules, filters, wanted = RULES[name]
    video_id = people.video(rules, filters)
    bearer = people.bearer("viewer", f"viewer-of-{video_id}")
    answers: set[tuple[int, str]] = set()

    @settings(max_examples=examples(8), suppress_health_check=SLOW)
    @given(case=operation(signed, POST).as_strategy(GenerationMode.POSITIVE))
    def run(case: AnyCase) -> None:
        said(case, author=NAME, text="the same words")
        case.headers.pop("Idempotency-Key", None)  # it would come before the rules
        reply = at(case, video_id).call(session=session, headers=bearer, timeout=TIMEOUT_S)
        judge(case, reply, bearer)
        answers.add((reply.status_code, code_of(reply)))

    run()
    assert answers == wanted


@pytest.mark.parametrize("how", [*ROLES, "ticket"])
@pytest.mark.parametrize("name", READS)
def test_every_answer_to_a_reader_is_in_the_document(
    signed: OpenApiSchema, session: requests.Session, people: People, name: str, how: str
) -> None:
    """Of a video with comments, one of which is gone."""
    video_id = people.video({"closed": True}, {})
    statuses: set[int] = set()
    bearer = people.bearer(how) if how in ROLES else {}
    ticket = {} if bearer else {"ticket": people.ticket(video_id)}

    @settings(max_examples=examples(10), suppress_health_check=SLOW)
    @given(case=operation(signed, name).as_strategy(GenerationMode.POSITIVE))
    def run(case: AnyCase) -> None:
        of_this_log(case)
        reply = at(case, video_id).call(
            session=session, headers=bearer, params=ticket, timeout=TIMEOUT_S
        )
        judge(case, reply, bearer or None)
        statuses.add(reply.status_code)

    run()
    assert 200 in statuses or statuses == {404}
    assert not statuses & {401, 403}


@pytest.mark.parametrize("mode", GenerationMode, ids=str)
def test_every_stream_with_a_ticket_begins_with_hello(
    signed: OpenApiSchema, session: requests.Session, people: People, mode: GenerationMode
) -> None:
    """Of the video that it is for; of another one it is refused as the document says."""
    video_id = people.video({"slow_mode_s": 5}, {})
    ticket = people.ticket(video_id)
    statuses: set[int] = set()

    @settings(max_examples=examples(10), suppress_health_check=SLOW)
    @given(case=operation(signed, "streamComments").as_strategy(mode))
    def run(case: AnyCase) -> None:
        for request in (case, at(case, video_id)):
            how = request.as_transport_kwargs()
            how["params"] = {**(how.get("params") or {}), "ticket": ticket}
            with session.request(**how, timeout=TIMEOUT_S, stream=True) as reply:
                statuses.add(reply.status_code)
                if reply.status_code == 200:
                    assert reply.headers["Content-Type"] == CONTENT_TYPE
                    assert first_event(reply) == "hello"
                    continue
                described = case.operation.definition.raw["responses"][str(reply.status_code)]
                content = described["content"]["application/problem+json"]
                assert reply.json()["code"] in content["examples"]

    run()
    assert 200 in statuses
