from __future__ import annotations

import json

import pytest

from identity.caller import ANONYMOUS, Caller
from identity.config import Anonymous
from identity.roles import Rank, Roles
from wire.comment import NewComment
from wire.errors import InvalidField, TokenMissing, TooManyMarks
from writer.authorship import check_may_post, read_post

ANN = Caller("u_1", "Ann", Roles({"v": ["moderator"]}))
SOMEBODY = b'{"author":"ann","text":"hi"}'


def test_who_may_post_without_a_token_is_a_setting() -> None:
    for anonymous in (Anonymous.ANYBODY, Anonymous.GUESTS):
        check_may_post(ANONYMOUS, anonymous)
    with pytest.raises(TokenMissing):
        check_may_post(ANONYMOUS, Anonymous.NOBODY)


def test_a_token_needs_a_name_to_post_with() -> None:
    for anonymous in Anonymous:
        check_may_post(ANN, anonymous)
        with pytest.raises(InvalidField):
            check_may_post(Caller("u_1"), anonymous)


def test_a_comment_carries_what_the_token_proves() -> None:
    for anonymous in Anonymous:
        known = NewComment("Ann", "hi", "u_1", ("moderator",), rank=int(Rank.MODERATOR))
        assert read_post(b'{"text":"hi"}', ANN, "v", anonymous) == known
        elsewhere = read_post(b'{"text":"hi"}', ANN, "w", anonymous)
        assert (elsewhere.badges, elsewhere.rank) == ((), 0)


def test_a_guest_is_marked_where_tokens_are_the_rule() -> None:
    plain = NewComment("ann", "hi")
    assert read_post(SOMEBODY, ANONYMOUS, "v", Anonymous.ANYBODY) == plain
    assert read_post(SOMEBODY, ANONYMOUS, "v", Anonymous.GUESTS) == NewComment(
        "ann", "hi", guest=True
    )


@pytest.mark.parametrize("field", ["author", "text"])
def test_towers_of_marks_are_refused_by_field(field: str) -> None:
    fields = {"author": "ann", "text": "hi", field: "Z" + "\u0301" * 9}
    with pytest.raises(TooManyMarks) as refused:
        read_post(json.dumps(fields).encode(), ANONYMOUS, "v", Anonymous.ANYBODY)
    assert refused.value.field == field


def test_a_name_in_a_token_has_no_towers_either() -> None:
    tower = Caller("u_1", "Z" + "\u0301" * 9)
    with pytest.raises(TooManyMarks):
        read_post(b'{"text":"hi"}', tower, "v", Anonymous.ANYBODY)
