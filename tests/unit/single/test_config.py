from __future__ import annotations

import pytest

from service.config import ConfigError
from single.config import Config


def test_it_runs_without_being_told_anything() -> None:
    config = Config.from_env({})
    assert (config.service.id, config.service.role, config.public_port) == (
        "single-1",
        "single",
        8080,
    )
    assert config.service.public_host == "127.0.0.1"
    assert config.pages.embed_origins == ("'self'", "http://localhost:*", "http://127.0.0.1:*")
    assert config.edge.proxies == ()
    assert not config.edge.origins


def test_an_empty_name_is_no_name() -> None:
    assert Config.from_env({"SERVICE_ID": ""}).service.id == "single-1"


def test_all_faults_are_told_at_once() -> None:
    environ = {"SERVICE_ID": "A b", "TOPOLOGY": "gateway", "PUBLIC_PORT": "x", "EMBED_ORIGINS": "a"}
    with pytest.raises(ConfigError) as caught:
        Config.from_env(environ)
    for name in environ:
        assert name in str(caught.value)
