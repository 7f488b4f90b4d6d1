from __future__ import annotations

import pytest

from wire.errors import TooManyRequests
from writer import rate_limit
from writer.rate_limit import RateLimit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_off_means_no_limit() -> None:
    limit = RateLimit(0)
    for _ in range(10_000):
        limit.take("1.2.3.4")


def test_a_burst_passes_then_the_rate_holds() -> None:
    clock = Clock()
    limit = RateLimit(5, clock=clock)
    for _ in range(10):
        limit.take("1.2.3.4")
    with pytest.raises(TooManyRequests) as refused:
        limit.take("1.2.3.4")
    assert refused.value.headers == {"Retry-After": "1"}
    clock.now += 0.2
    limit.take("1.2.3.4")
    with pytest.raises(TooManyRequests):
        limit.take("1.2.3.4")


def test_retry_after_says_when_a_slow_rate_allows_the_next() -> None:
    limit = RateLimit(0.1, clock=Clock())
    limit.take("1.2.3.4")
    with pytest.raises(TooManyRequests) as refused:
        limit.take("1.2.3.4")
    assert refused.value.headers == {"Retry-After": "10"}


def test_addresses_do_not_share_a_bucket() -> None:
    limit = RateLimit(0.5, clock=Clock())
    limit.take("1.2.3.4")
    limit.take("1.2.3.5")


@pytest.mark.parametrize("other", ["2001:db8::2", "2001:db8:0:0:ffff::1%eth0"])
def test_an_ipv6_caller_is_its_64(other: str) -> None:
    limit = RateLimit(0.5, clock=Clock())
    limit.take("2001:db8::1")
    with pytest.raises(TooManyRequests):
        limit.take(other)
    limit.take("2001:db8:0:1::1")


def test_junk_addresses_are_addresses_too() -> None:
    limit = RateLimit(0.5, clock=Clock())
    limit.take("::not:an:address::")
    with pytest.raises(TooManyRequests):
        limit.take("::not:an:address::")


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_ADDRESSES", 3)
    limit = RateLimit(0.5, clock=Clock())
    for number in range(4):
        limit.take(f"10.0.0.{number}")
    limit.take("10.0.0.0")  # forgotten, so it is full again
    with pytest.raises(TooManyRequests):
        limit.take("10.0.0.3")
