"""Schedules and posts: a seed says everything, and everything comes up."""

from __future__ import annotations

import dataclasses
from typing import cast

import pytest

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.entry import ALONE
from tests.chaos.fault_catalogue import CATALOGUE, available
from tests.chaos.schedule import Step, plan
from tests.chaos.traffic import MEMBERS, Shape, intent, video_of_viewer

NAMES = {
    Kind.NODE: ["node-1", "node-2", "node-3"],
    Kind.WRITER: ["writer-1", "writer-2"],
    Kind.DISPATCHER: ["dispatcher-1", "dispatcher-2"],
    Kind.ZOOKEEPER: ["zookeeper-1", "zookeeper-2", "zookeeper-3"],
    Kind.HAPROXY: ["haproxy"],
}


ALL = available(NAMES, links=True, networks=False)


def faults_of(steps: list[Step]) -> list[str]:
    return [strike.fault for step in steps for strike in step.strikes]


def test_the_same_seed_gives_the_same_schedule_and_another_one_another() -> None:
    assert plan("7", 3, NAMES, ALL) == plan("7", 3, NAMES, ALL)
    assert plan("7", 3, NAMES, ALL) != plan("8", 3, NAMES, ALL)


def test_a_longer_run_begins_as_the_shorter_one() -> None:
    short = plan("7", 3, NAMES, ALL)
    assert plan("7", 10, NAMES, ALL)[: len(short)] == short


def test_three_minutes_hold_several_faults_and_long_runs_all_of_them() -> None:
    assert len(faults_of(plan("1", 3, NAMES, ALL))) >= 5
    assert set(faults_of(plan("1", 40, NAMES, ALL))) == set(ALL)


def test_only_the_faults_that_are_asked_for_come() -> None:
    assert set(faults_of(plan("1", 5, NAMES, ["node-kill", "writer-kill"]))) == {
        "node-kill",
        "writer-kill",
    }


def test_what_a_cluster_does_not_have_is_not_struck() -> None:
    pubsub = {kind: NAMES[kind] for kind in (Kind.NODE, Kind.WRITER, Kind.HAPROXY)}
    pubsub[Kind.REDIS] = ["redis"]
    found = available(pubsub, links=True, networks=False)
    assert {"node-kill", "redis-kill", "node-without-writers", "rolling"} <= set(found)
    assert not [name for name in found if "dispatcher" in name or "zookeeper" in name]
    assert "node-partition" in available(NAMES, links=False, networks=True)
    assert "links-slow" not in available(NAMES, links=False, networks=True)
    assert plan("1", 20, pubsub, found)


def test_two_faults_at_a_time_strike_different_things() -> None:
    pairs = [
        [CATALOGUE[strike.fault].group for strike in step.strikes]
        for seed in range(20)
        for step in plan(str(seed), 10, NAMES, ALL)
        if len(step.strikes) > 1
    ]
    assert pairs
    assert all(len(set(groups)) == 2 and ALONE not in groups for groups in pairs)


def test_a_post_depends_on_seed_and_number_alone() -> None:
    shape = Shape()
    assert intent("1", 5, shape) == intent("1", 5, shape)
    assert intent("1", 5, shape) != intent("2", 5, shape)
    keys = {intent("1", number, shape).key for number in range(2_000)}
    assert len(keys) == 2_000


def test_about_one_post_of_100_is_removed_and_the_posts_do_not_depend_on_it() -> None:
    posts = [intent("1", number, Shape()) for number in range(5_000)]
    assert 30 < sum(post.removed for post in posts) < 70
    kept = [intent("1", number, Shape(removals=0)) for number in range(5_000)]
    assert kept == [dataclasses.replace(post, removed=False) for post in posts]


def test_members_post_only_where_somebody_rules_and_the_posts_do_not_depend_on_it() -> None:
    posts = [intent("1", number, Shape(rulings=True)) for number in range(5_000)]
    signed = [post.member for post in posts if post.member is not None]
    assert 400 < len(signed) < 600
    assert set(signed) == set(range(MEMBERS))
    without = [intent("1", number, Shape()) for number in range(5_000)]
    assert without == [dataclasses.replace(post, member=None) for post in posts]


def test_the_hot_video_gets_its_share_and_every_other_some() -> None:
    shape = Shape(viewers=600, videos=40)
    posts = [intent("1", number, shape).video for number in range(5_000)]
    assert 0.15 < posts.count(0) / len(posts) < 0.25
    assert set(posts) == set(range(40))
    viewers = [video_of_viewer(number, shape) for number in range(600)]
    assert viewers.count(0) == 180
    assert set(viewers) == set(range(40))


# What docs/faults.md says of the same faults: X, and whether nothing at all may be observed
# ("always").
ROWS = {
    "node-kill": (5.0, False),  # T01
    "node-drain": (0.0, True),  # T02
    "node-freeze": (20.0, False),  # T03
    "node-pause": (4.0, False),  # T04
    "node-without-dispatchers": (4.0, True),  # T07
    "node-deaf": (4.0, True),
    "node-without-writers": (5.0, True),  # T08
    "nodes-kill": (10.0, False),  # T09
    "dispatcher-crash": (4.0, True),  # T10, T11
    "dispatchers-kill": (4.0, True),
    "dispatcher-freeze": (4.0, True),  # T12
    "replies-lost": (3.0, True),  # T15
    "writer-crash": (3.0, False),  # T19, T20
    "writer-stop": (0.0, True),
    "writer-freeze": (6.0, False),  # T22
    "zookeeper-leader": (8.0, True),  # T33
    "zookeeper-away": (10.0, True),  # T34
    "zookeeper-freeze": (8.0, True),  # T35
    "session-expiry": (3.0, True),  # T36
    "sessions-flap": (10.0, True),  # T38
    "links-slow": (2.0, True),  # T68
    "rolling": (3.0, True),  # T69
}


@pytest.mark.parametrize("name", ROWS)
def test_the_mix_is_held_to_the_bounds_of_the_rows(name: str) -> None:
    fault = CATALOGUE[name].build(
        ClusterUnderTest(cast(Cluster, None)), ["node-1", "node.in_round:kill@5"]
    )
    assert (fault.bound_s, fault.only_routes) == ROWS[name]


def test_only_joins_may_wait_for_a_node_that_reads_nothing() -> None:
    assert [name for name, entry in CATALOGUE.items() if entry.joins_wait] == [
        "node-without-writers"
    ]
