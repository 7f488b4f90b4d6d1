from __future__ import annotations

import pytest

from wire.origins import parse_origin


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("https://example.org", "https://example.org"),
        ("HTTPS://Example.ORG", "https://example.org"),
        ("https://example.org:443", "https://example.org"),
        ("http://example.org:80/", "http://example.org"),
        ("https://example.org:08443", "https://example.org:8443"),
        ("http://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
        ("https://Jürgen.example", "https://xn--jrgen-kva.example"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
        ("*", "*"),
    ],
)
def test_an_origin_is_spelt_as_a_browser_sends_it(text: str, sent: str) -> None:
    assert parse_origin(text) == sent


@pytest.mark.parametrize(
    "text",
    [
        "example.org", "https://", "https://example.org/page", "https://a@example.org",
        "https://example.org:99999", "https://exa mple.org", "https://*.example.org", "null",
        "http://127.1", "http://[::g]", "https://a..b", "https://a\"b", "https://exam%70le.org",
    ],
)  # fmt: skip
def test_what_no_browser_sends_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"origin|host|port"):
        parse_origin(text)
