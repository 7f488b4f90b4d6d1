"""The command as a whole: its subcommands, and its errors as one line for a person."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import click

from cluster import readable
from cluster.cli import hosts, lifecycle, moderate, parts, show, tools
from cluster.errors import ClusterError, StepFailed
from cluster.folder import HOME_VARIABLE, home_folder, require_own_environment
from cluster.terminal import complain, ensure_streams, fail
from service.config import ConfigError
from service.logs import configure_logs

_CANNOT_WRITE = (
    errno.EACCES,
    errno.EEXIST,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)


class _Commands(click.Group):
    """Turns what can go wrong into one line for a person and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except StepFailed as exc:
            for line in exc.log_tail.splitlines():
                complain(f"  {exc.part} | {readable.readable_line(line)}")
            fail(str(exc))
        except (ClusterError, ConfigError) as exc:
            fail(str(exc))
        except OSError as exc:
            fail(_explain(exc))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run and inspect a livecomments cluster on this machine.

    The variable CLUSTER names another cluster than the default one.
    """
    ensure_streams()
    require_own_environment(sys.argv[0])
    configure_logs(level="error", style="console", role="cli", id="livecomments")


_GROUPS = (lifecycle, show, moderate, parts, tools, hosts)
for command in (command for group in _GROUPS for command in group.COMMANDS):
    main.add_command(command)


def _explain(exc: OSError) -> str:
    """With a hint if the folder of the clusters cannot be used."""
    home = home_folder(os.environ)
    if exc.errno in _CANNOT_WRITE and str(exc.filename or "").startswith(str(home)):
        return f"{exc.filename}: {exc.strerror}; set {HOME_VARIABLE} to another folder"
    return str(exc)
