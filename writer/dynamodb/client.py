"""The SDK's settings for this store: its defaults repeat calls and wait for a minute."""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from service.client_socket import new_client_socket
from writer.dynamodb.config import DynamoConfig

MAX_AT_ONCE = 256  # calls under way, each on a connection of its own
CONNECT_WITHIN_S = 1.0
_READ_WITHIN_S = 3.0  # the session gives up earlier
_KEPT_IDLE_S = 20.0  # less than anything on the way keeps an idle connection


def new_client(config: DynamoConfig) -> AbstractAsyncContextManager[Any]:
    """The SDK's client, as a context; entering it looks for credentials and reads files, on threads
    where that takes long. One object has the credentials of when it was made, unless they are such
    that the SDK renews.

    Raises what the SDK raises if there is no region, or no such profile.
    """
    for name in ("aiobotocore", "botocore"):  # what they log may quote a call, or a signature
        logging.getLogger(name).setLevel(logging.CRITICAL)
    settings = AioConfig(
        # A second try of a condition would meet the first one: only our own code can tell them.
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_WITHIN_S,
        read_timeout=_READ_WITHIN_S,
        max_pool_connections=MAX_AT_ONCE,
        connector_args={
            "keepalive_timeout": _KEPT_IDLE_S,
            "socket_factory": new_client_socket,
        },
        tcp_keepalive=True,
        parameter_validation=False,  # the service does it too
        warm_up_loader_caches=True,
    )
    client: AbstractAsyncContextManager[Any] = get_session().create_client(
        "dynamodb",
        region_name=config.region or None,
        endpoint_url=config.endpoint or None,
        config=settings,
    )
    return client
