"""The table and the store's identity: read with each new link, made where they are missing.

Several writers may do it at the same time: the service makes a table once, and the identity is put
under the condition that there is none. An operator may have made the table; then its keys have to
be these, and all else about it is theirs.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from botocore.exceptions import ClientError

from wire.errors import StoreUnavailable
from wire.ids import is_epoch, new_epoch
from writer.dynamodb.config import DynamoConfig
from writer.dynamodb.errors import (
    BEING_MADE,
    INVALID,
    NO_TABLE,
    NOT_ALLOWED,
    UNKNOWN_OPERATION,
    ConditionFailed,
    code_of,
    translate,
)
from writer.dynamodb.items import Item, key, n, number_in, s, text_in
from writer.store import StoreTooNew

log = structlog.get_logger()

SCHEMA_VERSION = 1
IDENTITY = key("store")
TTL_ATTRIBUTE = "ttl"
_ACTIVE_WITHIN_S = 30.0  # the service needs about ten
_LOOK_EVERY_S = 0.25
_KEYS = [
    {"AttributeName": "pk", "KeyType": "HASH"},
    {"AttributeName": "sk", "KeyType": "RANGE"},
]
_TYPES = [
    {"AttributeName": "pk", "AttributeType": "S"},
    {"AttributeName": "sk", "AttributeType": "S"},
]


async def open_table(client: Any, config: DynamoConfig) -> str:
    """Make what is missing; the store's epoch.

    Raises what the SDK raises; StoreUnavailable if the table is no such store, or of another
    version, or is not ready in time.
    """
    await _ensure_table(client, config.table)
    await _ensure_ttl(client, config)
    return await _ensure_identity(client, config.table)


async def read_epoch(client: Any, table: str) -> str | None:
    """The epoch, None if there is none. Raises what the SDK raises."""
    reply = await client.get_item(TableName=table, Key=IDENTITY, ConsistentRead=True)
    return text_in(reply.get("Item", {}), "epoch")


async def _ensure_table(client: Any, table: str) -> None:
    deadline = time.monotonic() + _ACTIVE_WITHIN_S
    while True:
        found = await _describe(client, table)
        if found is None:
            await _create(client, table)
        else:
            _check_keys(table, found)
            if found["TableStatus"] in ("ACTIVE", "UPDATING"):
                return
        if time.monotonic() >= deadline:
            raise StoreUnavailable(f"the table {table} is not ready")
        await asyncio.sleep(_LOOK_EVERY_S)


async def _describe(client: Any, table: str) -> Item | None:
    try:
        reply = await client.describe_table(TableName=table)
    except ClientError as exc:
        if code_of(exc) == NO_TABLE:
            return None
        raise
    found: Item = reply["Table"]
    return found


async def _create(client: Any, table: str) -> None:
    try:
        await client.create_table(
            TableName=table,
            KeySchema=_KEYS,
            AttributeDefinitions=_TYPES,
            BillingMode="PAY_PER_REQUEST",
        )
    except ClientError as exc:
        if code_of(exc) != BEING_MADE:  # by another writer
            raise
        return
    log.info("store_table_made", table=table)


def _check_keys(table: str, found: Item) -> None:
    keys = sorted(found["KeySchema"], key=lambda one: str(one["KeyType"]))
    types = {one["AttributeName"]: one["AttributeType"] for one in found["AttributeDefinitions"]}
    if keys != _KEYS or (types.get("pk"), types.get("sk")) != ("S", "S"):
        raise StoreUnavailable(f"the table {table} has other keys than pk and sk, both texts")


async def _ensure_ttl(client: Any, config: DynamoConfig) -> None:
    """What is past its `ttl` is gone for all readers anyway; this only frees its room."""
    table = config.table
    try:
        reply = await client.describe_time_to_live(TableName=table)
        found = reply["TimeToLiveDescription"]
        if found["TimeToLiveStatus"] in ("ENABLED", "ENABLING"):
            if found.get("AttributeName") != TTL_ATTRIBUTE:
                log.error("store_ttl_of_other_attribute", table=table)
            return
        await client.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE},
        )
    except ClientError as exc:
        if code_of(exc) not in (UNKNOWN_OPERATION, NOT_ALLOWED, INVALID, BEING_MADE):
            raise
        # Another writer may just have done it (INVALID, BEING_MADE); an emulator may not know it.
        log.warning("store_ttl_unavailable", table=table, code=code_of(exc))


async def _ensure_identity(client: Any, table: str) -> str:
    row = await _identity(client, table)
    if not row:
        item = {**IDENTITY, "epoch": s(new_epoch()), "version": n(SCHEMA_VERSION)}
        try:
            await client.put_item(
                TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)"
            )
        except ClientError as exc:
            if not isinstance(translate(exc), ConditionFailed):
                raise
        row = await _identity(client, table)  # whoever was first
    version, epoch = number_in(row, "version"), text_in(row, "epoch") or ""
    if version is not None and version > SCHEMA_VERSION:
        raise StoreTooNew(version, SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise StoreUnavailable(f"the store has schema version {version}, not {SCHEMA_VERSION}")
    if not is_epoch(epoch):
        raise StoreUnavailable("the store has no identity")
    return epoch


async def _identity(client: Any, table: str) -> Item:
    reply = await client.get_item(TableName=table, Key=IDENTITY, ConsistentRead=True)
    row: Item = reply.get("Item", {})
    return row
