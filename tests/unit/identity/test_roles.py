from __future__ import annotations

import pytest

from identity.roles import MAX_PATTERNS, Rank, Roles


def test_a_pattern_without_a_star_is_one_video() -> None:
    roles = Roles({"launch-1": ["moderator"]})
    assert roles.find("launch-1") == {Rank.MODERATOR}
    assert roles.find("launch-10") == roles.find("launch-") == roles.find("LAUNCH-1") == set()


def test_a_star_stands_for_any_ending_and_none() -> None:
    roles = Roles({"launch-*": ["moderator"]})
    assert roles.find("launch-") == roles.find("launch-1") == {Rank.MODERATOR}
    assert roles.find("launch") == roles.find("prelaunch-1") == set()


def test_every_pattern_that_fits_counts() -> None:
    roles = Roles({"*": ["viewer"], "a*": ["member"], "ab": ["owner", "moderator"]})
    assert max(roles.find("ab")) is Rank.OWNER
    assert roles.find("ac") == {Rank.VIEWER, Rank.MEMBER}
    assert roles.find("b") == {Rank.VIEWER}


def test_only_a_lone_star_is_everywhere() -> None:
    assert Roles({"*": ["admin"], "a*": ["owner"]}).find_everywhere() == {Rank.ADMIN}
    assert Roles({"a*": ["admin"]}).find_everywhere() == set()


@pytest.mark.parametrize(
    "pattern", ["", "a b", "a*b", "**", "a" * 65, "a" * 64 + "*", "é", "a/b", "a\n", "?"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Roles({pattern: ["viewer"]})


@pytest.mark.parametrize("name", ["", "root", "Moderator", "anybody", "mod"])
def test_what_is_no_role_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="viewer, member, moderator, owner, service, admin"):
        Roles({"v": [name]})


def test_patterns_are_bounded() -> None:
    most = {f"v{number}": ["viewer"] for number in range(MAX_PATTERNS)}
    assert Roles(most).find("v0") == {Rank.VIEWER}
    with pytest.raises(ValueError, match="at most"):
        Roles(most | {"one-more": ["viewer"]})
