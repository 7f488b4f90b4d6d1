from __future__ import annotations

import pytest

from identity.caller import ANONYMOUS, Caller
from identity.roles import Rank, Roles
from wire.errors import PermissionDenied, TokenMissing

ANN = Caller("u_ann", "Ann", Roles({"launch-*": ["moderator"], "other": ["viewer"]}))


def test_a_rank_is_that_of_the_video() -> None:
    assert ANN.rank_in("launch-1") is Rank.MODERATOR
    assert ANN.rank_in("other") is Rank.VIEWER
    assert ANN.rank_in("else") is Rank.ANYBODY
    assert ANONYMOUS.rank_in("launch-1") is ANN.rank_everywhere() is Rank.ANYBODY


def test_a_rank_or_a_better_one_is_let_through() -> None:
    for rank in Rank:
        if rank <= Rank.MODERATOR:
            ANN.require("launch-1", rank)
        else:
            with pytest.raises(PermissionDenied):
                ANN.require("launch-1", rank)


def test_a_role_of_another_video_is_no_role_here() -> None:
    with pytest.raises(PermissionDenied) as caught:
        ANN.require("other", Rank.MODERATOR)
    assert (caught.value.status, caught.value.code) == (403, "forbidden")


def test_a_caller_without_a_token_is_asked_for_one() -> None:
    with pytest.raises(TokenMissing) as caught:
        ANONYMOUS.require("launch-1", Rank.VIEWER)
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


def test_what_is_about_all_videos_needs_a_role_for_all() -> None:
    root = Caller("u_root", None, Roles({"*": ["admin"]}))
    root.require_everywhere(Rank.SERVICE)
    root.require("any", Rank.OWNER)
    with pytest.raises(PermissionDenied):
        ANN.require_everywhere(Rank.VIEWER)
    with pytest.raises(TokenMissing):
        ANONYMOUS.require_everywhere(Rank.VIEWER)


def test_badges_are_the_roles_above_member_highest_first() -> None:
    assert ANN.badges("launch-1") == ("moderator",)
    assert ANN.badges("other") == ANONYMOUS.badges("other") == ()
    both = Caller("u_x", "X", Roles({"*": ["moderator", "member"], "v": ["owner"]}))
    assert both.badges("v") == ("owner", "moderator")
