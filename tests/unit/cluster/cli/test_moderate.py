"""How the commands of a moderator read their line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from cluster.cli.moderate import ban, end_of, erase
from cluster.errors import ClusterError, NotAnAuthor, NotAVideo
from cluster.moderation import Moderation
from cluster.moderation import erase as erase_author

AUTHOR_ID = "u_QcaiGVMoA4STtIcJMfktFQ"


def invoke(command: click.Command, line: str) -> None:
    with command.make_context("command", line.split()) as context:
        command.invoke(context)


@pytest.mark.parametrize(
    "line",
    [
        f"v {AUTHOR_ID} --lift --purge",
        f"v {AUTHOR_ID} --lift --for 10m",
        f"v {AUTHOR_ID} --lift --reason spam",
        f"v {AUTHOR_ID} --for 10m --until 2030-01-31T12:00:00Z",
        "v",
    ],
)
def test_what_does_not_go_together_is_refused(line: str) -> None:
    with pytest.raises(click.UsageError):
        invoke(ban, line)


@pytest.mark.parametrize("span", ["10", "m", "0m", "-5m", "1.5h", "10y", "999999999d"])
def test_a_span_is_a_number_and_a_unit(span: str) -> None:
    with pytest.raises(ClusterError, match="--for"):
        invoke(ban, f"v {AUTHOR_ID} --for={span}")


@pytest.mark.parametrize("wait", ["-1", "inf", "3601", "long"])
def test_no_erasure_is_waited_for_for_ever(wait: str) -> None:
    with pytest.raises(click.UsageError):
        invoke(erase, f"{AUTHOR_ID} --wait={wait}")


@pytest.mark.parametrize(
    "author_id", ["ann", "u_", "u_a/../b", "u_a?", AUTHOR_ID[:-1], f"{AUTHOR_ID}x"]
)
async def test_what_cannot_be_an_author_is_not_asked_for(author_id: str) -> None:
    moderation = Moderation("http://127.0.0.1:9", "", "v")
    with pytest.raises(NotAnAuthor):
        await moderation.ban(author_id, until=None, purge=False, reason=None)
    with pytest.raises(NotAnAuthor):
        await moderation.lift(author_id)
    with pytest.raises(NotAnAuthor):
        await erase_author("http://127.0.0.1:9", "", author_id, 0)


def test_what_cannot_be_a_video_is_not_asked_for() -> None:
    with pytest.raises(NotAVideo):
        Moderation("http://127.0.0.1:9", "", "a/b")


def test_a_span_ends_so_long_from_now() -> None:
    for span, length in (("90s", 90), ("10m", 600), ("2h", 7200), ("7d", 604_800)):
        left = datetime.fromisoformat(end_of(span)) - datetime.now(UTC)
        assert timedelta(seconds=length - 60) < left <= timedelta(seconds=length)
