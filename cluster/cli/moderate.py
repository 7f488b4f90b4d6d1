"""Commands of a moderator: remove, restore."""

from __future__ import annotations

import asyncio
import os

import click

from cluster.addresses import join_port, reached_at
from cluster.cli.opening import find_folder, open_cluster
from cluster.cli.tools import dev_folder, load_issuer
from cluster.moderation import TOKEN_LIFE_S, Moderation
from cluster.settings import read_dev_address
from cluster.terminal import say
from wire.entry import MAX_TARGETS
from wire.ids import MAX_SEQ

TOKEN_VARIABLE = "LIVECOMMENTS_TOKEN"  # noqa: S105 - its name
_SEQ = click.IntRange(1, MAX_SEQ)
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


def _moderation(video: str, for_dev: bool) -> Moderation:
    if for_dev:
        bind, port = read_dev_address(os.environ)
        folder, url = dev_folder(), f"http://{join_port(reached_at(bind), port)}"
    else:
        folder, url = find_folder(), open_cluster().http_url
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        who = {"sub": "livecomments-command"}
        token = load_issuer(folder, for_dev=for_dev).token(
            who, {video: ["moderator"]}, TOKEN_LIFE_S
        )
    return Moderation(url, token, video)


COMMANDS = (remove, restore)
