from __future__ import annotations

from service.health import Health


def test_ready_means_started_and_not_draining() -> None:
    health = Health()
    assert not health.ready
    health.started = True
    assert health.ready
    health.draining = True
    assert not health.ready


def test_a_dependency_that_is_away_degrades_and_does_not_unready() -> None:
    health = Health()
    health.started = True
    health.mark("zookeeper", "away")
    assert (health.ready, health.degraded) == (True, {"zookeeper": "away"})
    health.mark("zookeeper", None)
    health.mark("store", None)
    assert health.degraded == {}


def test_what_is_shown_of_it_cannot_change_it() -> None:
    health = Health()
    health.degraded["store"] = "away"
    assert health.degraded == {}
