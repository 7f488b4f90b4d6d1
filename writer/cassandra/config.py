"""How to reach Cassandra, and what is promised there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from service.config import EnvReader
from wire.hosts import parse_address
from writer.retention import read_retention

DEFAULT_PORT = 9042
_KEYSPACE = re.compile(r"[a-z][a-z0-9_]{0,47}", re.ASCII)

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class CassandraConfig:
    """contact_points: where to begin; the others are found there. datacenter: the only one that is
    called, "" for that of the contact points. replication: of a keyspace that has to be made.
    worldwide: whether writers in several datacenters share the keyspace; each commit then costs a
    round trip between them. retention_s: how long comments stay, 0: for ever. user: "" for none.
    any_commit_log: whether servers may acknowledge what is not on their disk yet.
    """

    contact_points: tuple[Endpoint, ...]
    keyspace: str = "livecomments"
    replication: int = 1
    datacenter: str = ""
    worldwide: bool = False
    retention_s: int = 0
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    any_commit_log: bool = False

    @classmethod
    def read(cls, env: EnvReader) -> CassandraConfig:
        """Read the settings from `env`; faults are left in `env`."""
        user, password = env.text("CASSANDRA_USER", ""), env.text("CASSANDRA_PASSWORD_FILE", "")
        if bool(user) != bool(password):
            env.fault("CASSANDRA_USER and CASSANDRA_PASSWORD_FILE must be set together")
        ca_file = env.text("CASSANDRA_CA_FILE", "")
        return cls(
            contact_points=_contact_points(env),
            keyspace=_keyspace(env),
            replication=env.integer("CASSANDRA_REPLICATION", 1, 1, 9),
            datacenter=env.text("CASSANDRA_DC", ""),
            worldwide=env.choice("CASSANDRA_CONSISTENCY", "local", ("local", "global")) == "global",
            retention_s=read_retention(env),
            user=user,
            password_file=Path(password) if password else None,
            ca_file=Path(ca_file) if ca_file else None,
            any_commit_log=env.choice("CASSANDRA_COMMIT_LOG", "synced", ("synced", "any")) == "any",
        )


def _contact_points(env: EnvReader) -> tuple[Endpoint, ...]:
    found = []
    for word in env.words("CASSANDRA", f"127.0.0.1:{DEFAULT_PORT}"):
        endpoint = parse_address(word, ours=False, port=DEFAULT_PORT)
        if endpoint is None:
            env.fault(f"CASSANDRA: {word} is not host:port")
        else:
            found.append(endpoint)
    return tuple(found)


def _keyspace(env: EnvReader) -> str:
    keyspace = env.text("CASSANDRA_KEYSPACE", "livecomments")
    if _KEYSPACE.fullmatch(keyspace) is None:
        env.fault("CASSANDRA_KEYSPACE must be a lower-case name of at most 48 characters")
    return keyspace
