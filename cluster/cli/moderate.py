"""Commands of a moderator: remove, restore, ban; and erase."""

from __future__ import annotations

import asyncio
import math
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from cluster.addresses import join_port, reached_at
from cluster.cli.opening import find_folder, open_cluster
from cluster.cli.tools import dev_folder, load_issuer
from cluster.errors import ClusterError
from cluster.moderation import TOKEN_LIFE_S, Moderation
from cluster.moderation import erase as erase_author
from cluster.settings import read_dev_address
from cluster.terminal import say
from identity.roles import EVERYWHERE
from wire.entry import MAX_TARGETS
from wire.ids import MAX_SEQ
from wire.rulings import FOREVER

TOKEN_VARIABLE = "LIVECOMMENTS_TOKEN"  # noqa: S105 - its name
_ERASED_WITHIN_S = 60.0
_SEQ = click.IntRange(1, MAX_SEQ)
_SPAN = re.compile(r"([1-9][0-9]{0,8})([smhd])", re.ASCII)
_SPAN_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FOR_DEV = click.option(
    "--dev", "for_dev", is_flag=True, help="Of `make dev` instead of the cluster."
)


@click.command()
@click.argument("video")
@click.argument("seqs", nargs=-1, required=True, type=_SEQ, metavar="SEQ...")
@click.option("--reason", help="Why, for everybody to see.")
@_FOR_DEV
def remove(video: str, seqs: tuple[int, ...], reason: str | None, *, for_dev: bool) -> None:
    """Remove comments of VIDEO by their numbers; viewers see it at once.

    It makes a token with the key for development; LIVECOMMENTS_TOKEN is another one.
    """
    if len(seqs) > MAX_TARGETS:
        raise click.UsageError(f"at most {MAX_TARGETS} comments at once")
    for notice in asyncio.run(_moderation(video, for_dev).remove(seqs, reason)):
        say(f"removed {', '.join(map(str, notice['targets']))}, as entry {notice['seq']}")


@click.command()
@click.argument("video")
@click.argument("seq", type=_SEQ)
@_FOR_DEV
def restore(video: str, seq: int, *, for_dev: bool) -> None:
    """Show a removed comment again."""
    comment = asyncio.run(_moderation(video, for_dev).restore(seq))
    say(f"{seq} is shown: {comment['author']}: {comment['text']}")


@click.command()
@click.argument("video")
@click.argument("author_id")
@click.option("--until", metavar="TIME", help="Until then, with its zone: 2030-01-31T12:00:00Z.")
@click.option("--for", "span", metavar="SPAN", help="For so long: 30s, 10m, 2h or 7d.")
@click.option("--purge", is_flag=True, help="Remove what the author has written before, too.")
@click.option("--reason", help="Why, for moderators; with --purge for everybody to see.")
@click.option("--lift", is_flag=True, help="Let the author post again.")
@_FOR_DEV
def ban(
    video: str,
    author_id: str,
    *,
    span: str | None,
    lift: bool,
    for_dev: bool,
    **given: Any,
) -> None:
    """Keep an author from posting to VIDEO: for ever, or until a moment.

    AUTHOR_ID is the `author_id` of the author's comments. A token is got as by `remove`.
    """
    if lift and (span or any(given.values())):
        raise click.UsageError("--lift goes with nothing else")
    if span and given["until"]:
        raise click.UsageError("either --until or --for")
    if span:
        given["until"] = end_of(span)
    moderation = _moderation(video, for_dev)
    if lift:
        asyncio.run(moderation.lift(author_id))
        say(f"{author_id} may post again")
        return
    said = asyncio.run(moderation.ban(author_id, **given))
    when = "for ever" if said["until"] == FOREVER else f"until {said['until']}"
    say(f"{author_id} may not post {when}{'; earlier comments are removed' * said['purge']}")


@click.command()
@click.argument("author_id")
@click.option(
    "--wait",
    "limit_s",
    type=click.FloatRange(0, 3600),
    default=_ERASED_WITHIN_S,
    show_default=True,
    metavar="SECONDS",
    help="For how long to wait until it is done.",
)
@_FOR_DEV
def erase(author_id: str, *, limit_s: float, for_dev: bool) -> None:
    """Destroy all that an author has written, on all videos, for good.

    A token is got as by `remove`.
    """
    url, token = _origin(for_dev, {EVERYWHERE: ["service"]}, limit_s)
    asyncio.run(erase_author(url, token, author_id, limit_s))
    say(f"nothing of {author_id} is left in the store")


def _moderation(video: str, for_dev: bool) -> Moderation:
    url, token = _origin(for_dev, {video: ["moderator"]})
    return Moderation(url, token, video)


def _origin(for_dev: bool, roles: dict[str, list[str]], wait_s: float = 0) -> tuple[str, str]:
    """Where to call, and a token for that."""
    if for_dev:
        bind, port = read_dev_address(os.environ)
        folder, url = dev_folder(), f"http://{join_port(reached_at(bind), port)}"
    else:
        folder, url = find_folder(), open_cluster().http_url
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        who, life_s = {"sub": "livecomments-command"}, TOKEN_LIFE_S + math.ceil(wait_s)
        token = load_issuer(folder, for_dev=for_dev).token(who, roles, life_s)
    return url, token


def end_of(span: str) -> str:
    """When a span that begins now ends, RFC 3339. Raises ClusterError for what is none."""
    match = _SPAN.fullmatch(span)
    try:
        if match is not None:
            length = timedelta(**{_SPAN_UNITS[match[2]]: int(match[1])})
            return (datetime.now(UTC) + length).isoformat(timespec="milliseconds")
    except OverflowError:
        pass
    raise ClusterError(f"--for {span}: must be a number of s, m, h or d, such as 10m")


COMMANDS = (remove, restore, ban, erase)
