"""A table of its own on one of the test session's emulators, and a look behind the store's back."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import botocore.session
import pytest
from botocore.config import Config

from writer.dynamodb.config import DynamoConfig
from writer.dynamodb.items import n, s, seq_key, seq_of
from writer.dynamodb.layout import body, log_of, stored_group
from writer.stepwise.lines import unpack

_numbers = itertools.count(1)
_LONG_AGO_S = 1


class Emulator(Protocol):
    """moto or dynalite."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def variables(self) -> dict[str, str]: ...


@contextmanager
def known_to_the_sdk(server: Emulator) -> Iterator[None]:
    """Region and credentials are where the SDK looks, in this process and those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.variables.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        yield


@dataclass(frozen=True, slots=True)
class Table:
    """`host:port/name` is what another process needs to find it."""

    host: str
    port: int
    name: str

    @classmethod
    def new(cls, server: Emulator) -> Table:
        """Not made yet: the first store does that."""
        return cls(server.host, server.port, f"test_{os.getpid()}_{next(_numbers)}")

    @classmethod
    def at(cls, target: str) -> Table:
        address, name = target.split("/")
        host, port = address.rsplit(":", 1)
        return cls(host, int(port), name)

    @property
    def target(self) -> str:
        return f"{self.host}:{self.port}/{self.name}"

    @property
    def config(self) -> DynamoConfig:
        return self.config_by(self.port)

    def config_by(self, port: int, retention_s: int = 0) -> DynamoConfig:
        """By way of a proxy at this port."""
        return DynamoConfig(
            self.name, f"http://{self.host}:{port}", "us-east-1", retention_s=retention_s
        )

    def call(self, operation: str, **params: Any) -> Any:
        """One call of the SDK. Blocks."""
        client = _client(f"http://{self.host}:{self.port}")
        return getattr(client, operation)(TableName=self.name, **params)

    def items(self, pk: str) -> list[dict[str, Any]]:
        """All items of a partition. Blocks."""
        values = {":pk": s(pk)}
        found, more = [], dict[str, Any]()
        while True:
            reply = self.call(
                "query",
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                **more,
            )
            found += reply["Items"]
            if "LastEvaluatedKey" not in reply:
                return found
            more = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}

    def put(self, item: dict[str, Any]) -> None:
        """Blocks."""
        self.call("put_item", Item=item)

    def delete(self, item: dict[str, Any]) -> None:
        """Blocks."""
        self.call("delete_item", Key={"pk": item["pk"], "sk": item["sk"]})

    def remove_oldest(self, video_id: str, through: int) -> None:
        """What the end of a `ttl` does to the comments 1 to `through`: some groups are deleted, and
        some, among them always the newest one, will be. It may cut a group.
        """
        items = self.items(log_of(video_id))
        for item in items:
            group = stored_group(item)
            if group.first > through:
                continue
            if group.last > through:
                _, raws = unpack((group.last, group.lines))
                kept = b"\n".join(raws[through - group.first + 1 :])
                self.put({**item, "sk": s(seq_key(through + 1)), **body(kept)})
                self.delete(item)
            elif item is not items[-1] and seq_of(item) % 2:
                self.delete(item)
            else:
                self.put({**item, "ttl": n(_LONG_AGO_S)})


@cache
def _client(endpoint: str) -> Any:
    config = Config(retries={"total_max_attempts": 3})
    return botocore.session.get_session().create_client(
        "dynamodb", region_name="us-east-1", endpoint_url=endpoint, config=config
    )
