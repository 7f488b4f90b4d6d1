from __future__ import annotations

import pytest
from multidict import CIMultiDict

from identity.authenticator import Authenticator, find_token
from identity.caller import ANONYMOUS, Caller
from service.tasks import TaskHome
from wire.errors import TokenInvalid


class _Anybody:
    """Takes every token for the name of its bearer."""

    problem = "keys: none"

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def start(self, _tasks: TaskHome) -> None:
        self.calls.append("start")

    async def stop(self) -> None:
        self.calls.append("stop")

    async def verify(self, token: str) -> Caller:
        return Caller(f"u_{token}", token)


def _headers(*values: str) -> CIMultiDict[str]:
    return CIMultiDict([("Authorization", value) for value in values])


async def test_without_a_token_a_caller_is_anonymous() -> None:
    for authenticator in (Authenticator(None), Authenticator(_Anybody())):
        assert await authenticator.identify(_headers()) is ANONYMOUS
        assert await authenticator.identify(_headers("Basic YTpi")) is ANONYMOUS


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   "])
async def test_a_bearer_token_names_the_caller(scheme: str) -> None:
    caller = await Authenticator(_Anybody()).identify(_headers(f"{scheme}ann"))
    assert caller == Caller("u_ann", "ann")


async def test_a_token_is_refused_where_there_are_no_keys() -> None:
    with pytest.raises(TokenInvalid, match="no keys"):
        await Authenticator(None).identify(_headers("Bearer ann"))


async def test_it_starts_and_stops_what_knows_the_keys() -> None:
    anybody = _Anybody()
    for authenticator in (Authenticator(anybody), Authenticator(None)):
        await authenticator.start(TaskHome())
        await authenticator.stop()
    assert anybody.calls == ["start", "stop"]
    assert Authenticator(anybody).problem == "keys: none"
    assert Authenticator(None).problem is None


@pytest.mark.parametrize(
    "values", [("Bearer",), ("Bearer  ",), ("Bearer a", "Bearer a"), ("Basic x", "Bearer a")]
)
def test_a_header_that_names_no_single_token_is_refused(values: tuple[str, ...]) -> None:
    with pytest.raises(TokenInvalid) as caught:
        find_token(_headers(*values))
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
