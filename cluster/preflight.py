"""Checks what a person asked for before anything is saved or started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cluster.docker.memory import read_gateway_mib
from cluster.issuer import identity_variables, ticket_variables
from cluster.parts import Kind, part_name, wanted
from cluster.servers.cassandra import read_heap_mib
from cluster.settings import CASSANDRA_HEAP, Settings
from dispatcher.config import Config as DispatcherConfig
from rtms_node.config import Config as NodeConfig
from service.config import ConfigError, EnvReader
from single.config import Config as SingleConfig
from writer.config import Config as WriterConfig

_CONFIGS = {
    Kind.SINGLE: SingleConfig.from_env,
    Kind.WRITER: WriterConfig.from_env,
    Kind.DISPATCHER: DispatcherConfig.from_env,
    Kind.NODE: NodeConfig.from_env,
}


def check_variables(settings: Settings) -> None:
    """Raises ConfigError if a process could not start with the variables that are set for it, or if
    the runtime has no such parts.
    """
    if (settings.runtime, settings.store) == ("docker", "dynamodb"):
        raise ConfigError("STORE=dynamodb needs RUNTIME=local: its emulator has no image")
    for kind, number in wanted(settings):
        name = part_name(kind, number)
        given = settings.variables_for(str(kind), name)
        if kind is Kind.CASSANDRA:
            _check_heap(given)
        if kind is Kind.HAPROXY:
            _check_gateway(given)
        read = _CONFIGS.get(kind)
        if read is None:
            continue
        standard = {
            "SERVICE_ID": name,
            "STORE": settings.store,
            "SQLITE_PATH": "comments.sqlite3",
            "PUBLISHED_ON": settings.bind,
            "BEHIND_GATEWAY": "on",
            **identity_variables(Path("issuer"), given),
            **ticket_variables(Path("issuer")),
        }
        # Perhaps they are not made yet, or are in a container: who they are for reads them.
        unread = {"AUTHOR_ID_KEY_FILE": "/dev/zero", "TICKET_KEY_FILE": "/dev/zero"}
        try:
            read(standard | given | unread)
        except ConfigError as exc:
            raise ConfigError(f"{name} could not start: {exc}") from exc


def check_path(folder: Path) -> None:
    """Raises ConfigError if Java could not find a cluster's folder: it takes names for UTF-8."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"the name of the folder {folder} is not UTF-8; set LIVECOMMENTS_HOME to another folder"
        ) from None


def _check_gateway(given: Mapping[str, str]) -> None:
    env = EnvReader(given)
    read_gateway_mib(env)
    env.done()


def _check_heap(given: Mapping[str, str]) -> None:
    try:
        read_heap_mib(given.get(CASSANDRA_HEAP, ""))
    except ValueError as exc:
        raise ConfigError(f"{CASSANDRA_HEAP} {exc}") from exc
