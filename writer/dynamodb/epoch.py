"""A new identity for a table, for one that was restored from an older copy; see new_epoch.

Only the identity changes, by compare-and-set; comments are restamped when they are read. A writer
that still uses the table ends itself when it sees the change.
"""

from __future__ import annotations

from wire.errors import StoreUnavailable
from wire.ids import is_epoch, new_epoch
from writer.dynamodb.client import new_client
from writer.dynamodb.config import DynamoConfig
from writer.dynamodb.errors import code_of, translate
from writer.dynamodb.items import s
from writer.dynamodb.table import IDENTITY, read_epoch


async def renew_table_epoch(config: DynamoConfig) -> tuple[str, str]:
    """Give the store in a table a new epoch; returns the old one and the new one.

    No writer may use it. Raises StoreUnavailable if it does not answer, holds no store, or the
    outcome is unknown (then try again: one more change does no harm).
    """
    try:
        async with new_client(config) as client:
            old, new = await read_epoch(client, config.table), new_epoch()
            if old is None or not is_epoch(old):
                raise StoreUnavailable(f"the table {config.table} has no epoch")
            await client.update_item(
                TableName=config.table,
                Key=IDENTITY,
                UpdateExpression="SET epoch = :new",
                ConditionExpression="epoch = :old",
                ExpressionAttributeValues={":new": s(new), ":old": s(old)},
            )
            return old, new
    except StoreUnavailable:
        raise
    except Exception as exc:
        found = translate(exc)
        if isinstance(found, StoreUnavailable):
            raise StoreUnavailable(f"{found} ({code_of(exc)})") from exc
        raise StoreUnavailable("another process is changing the epoch") from exc
