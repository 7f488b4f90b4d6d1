from __future__ import annotations

import pytest

from pages.config import PagesConfig
from service.config import ConfigError, EnvReader

SELF = "'self'"
TRIED_HERE = ("http://localhost:*", "http://127.0.0.1:*")


def read(bind_host: str = "127.0.0.1", **environ: str) -> PagesConfig:
    env = EnvReader(environ)
    config = PagesConfig.read(env, bind_host)
    env.done()
    return config


def test_a_service_on_this_machine_can_be_tried_in_any_page_of_it() -> None:
    assert read().embed_origins == (SELF, *TRIED_HERE)
    assert read("0.0.0.0", PUBLISHED_ON="::1").embed_origins == (SELF, *TRIED_HERE)


def test_a_published_service_is_framed_by_nobody_else_until_it_is_told() -> None:
    assert read("0.0.0.0").embed_origins == (SELF,)
    assert read(PUBLISHED_ON="10.0.0.1").embed_origins == (SELF,)


def test_origins_are_as_browsers_spell_them_and_take_the_place_of_the_default() -> None:
    config = read(EMBED_ORIGINS="HTTPS://Watch.example:443, http://b.example:81/")
    assert config.embed_origins == (SELF, "https://watch.example", "http://b.example:81")


def test_everybody_has_to_be_said() -> None:
    assert read(EMBED_ORIGINS="https://a.example,*").embed_origins == ("*",)


@pytest.mark.parametrize(
    "origin", ["a.example", "https://*.a.example", "https://a.example/x", "'none'"]
)
def test_what_is_no_origin_is_a_fault(origin: str) -> None:
    with pytest.raises(ConfigError, match="EMBED_ORIGINS"):
        read(EMBED_ORIGINS=origin)


def test_an_address_that_no_policy_can_name_is_a_fault() -> None:
    with pytest.raises(ConfigError, match="browsers accept no IPv6 address here"):
        read(EMBED_ORIGINS="http://[::1]:8000")
