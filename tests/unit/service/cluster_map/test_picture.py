from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from service.cluster_map.answer import (
    MAX_ANSWER_BYTES,
    MAX_VIDEOS,
    State,
    Videos,
    read_state,
)
from service.cluster_map.peers import Identity
from service.cluster_map.picture import (
    MAX_SHOWN,
    Gathered,
    Member,
    Missing,
    busiest_videos,
    draw,
)
from service.cluster_map.roster import MAX_PEERS
from wire.roles import Role


def state(role: Role, name: str, **members: Any) -> State:
    return State(role, name, **({"ready": True} | members))


NODE_1 = state(Role.NODE, "node-1", viewers=9, busiest={"v1": 5, "v2": 4})
NODE_2 = state(Role.NODE, "node-2", viewers=3, busiest={"v1": 3})
ROUTER = state(Role.DISPATCHER, "dispatcher-1")
WRITER = state(Role.WRITER, "writer-1")


def map_of(
    *states: State, rates: Mapping[Identity, Mapping[str, float]] | None = None, **more: Any
) -> dict[str, Any]:
    found = {one.identity: one for one in states}
    return draw(Gathered(found, dict.fromkeys(found, "10.0.0.1:8003"), rates or {}, **more))


def only(document: Mapping[str, Any]) -> Member:
    (member,) = document["members"]
    return msgspec.convert(msgspec.to_builtins(member), Member)


def test_a_member_says_in_a_word_how_it_is_and_why() -> None:
    def told(**members: Any) -> tuple[str, list[str]]:
        member = only(map_of(state(Role.NODE, "n", **members)))
        return member.state, member.why

    assert told() == ("ready", [])
    assert told(ready=False) == ("starting", [])
    assert told(ready=False, draining=True) == ("draining", [])
    assert told(degraded={"zookeeper": "away"}) == ("degraded", ["zookeeper: away"])
    assert told(failing=["node-2"]) == ("degraded", ["node-2 does not answer"])


def test_reasons_and_queues_are_cut_and_it_says_so() -> None:
    member = only(
        map_of(
            state(
                Role.DISPATCHER,
                "d",
                failing=[f"node-{n}" for n in range(50)],
                queues={f"node-{n}": 1 for n in range(50)},
            )
        )
    )
    assert member.why[-2:] == ["node-6 does not answer", "and 43 more"]
    assert len(member.queues) == len(member.why) == MAX_SHOWN


def test_whatever_peers_say_the_map_has_a_size() -> None:
    """As many of them as are asked, each of which tells as much as is read of an answer."""

    def worst(number: int) -> bytes:
        names = [f"{n:03}".ljust(200, "x") for n in range(64)]
        return msgspec.json.encode(
            {
                "role": "node" if number % 2 else "dispatcher",
                "id": f"{number:03}".ljust(63, "x"),
                "ready": True,
                "degraded": dict.fromkeys(names, "y" * 200),
                "queues": dict.fromkeys(names, 1),
                "busiest": {f"{n:02}".ljust(64, "v"): 2**53 - 1 for n in range(20)},
                "failing": [f"{n:02}".ljust(63, "n") for n in range(64)],
            }
        )

    states = [read_state(worst(number)) for number in range(MAX_PEERS)]
    assert len(worst(0)) < MAX_ANSWER_BYTES
    routes = {video: list(states[0].failing) for video in states[0].busiest}
    videos = {one.identity: Videos(routes=routes) for one in states}
    assert len(msgspec.json.encode(map_of(*states, videos=videos))) < 3 * 2**20


def test_members_stand_by_role_and_number() -> None:
    names = ["node-10", "node-2", "node-1"]
    nodes = [state(Role.NODE, name) for name in names]
    document = map_of(*nodes, ROUTER, WRITER, missing=(Missing("10.0.0.9:1", "no connection"),))
    found = [member.id or member.address for member in document["members"]]
    assert found == ["writer-1", "dispatcher-1", "node-1", "node-2", "node-10", "10.0.0.9:1"]


def test_who_does_not_answer_is_on_the_map_once() -> None:
    gone = Identity(Role.NODE, "node-2")
    missing = (
        Missing("10.0.0.2:8003", "no answer in time", gone),
        Missing("node-2:8003", "its name stands for no address", gone),
        Missing("node-1:8003", "no answer in time", NODE_1.identity),  # it did, elsewhere
    )
    document = map_of(NODE_1, missing=missing)
    told = [(member.id, member.state, member.why) for member in document["members"]]
    assert told == [("node-1", "ready", []), ("node-2", "unreachable", ["no answer in time"])]


def test_videos_are_told_with_their_viewers_and_routes_and_the_busiest_first() -> None:
    videos = {
        NODE_1.identity: Videos(viewers={"v1": 5, "v2": 4}),
        ROUTER.identity: Videos(routes={"v1": ["node-2", "node-1"], "other": ["node-1"]}),
    }
    assert map_of(NODE_1, NODE_2, ROUTER, videos=videos)["videos"] == [
        {
            "video_id": "v1",
            "viewers": 8,
            "nodes": {"node-1": 5, "node-2": 3},
            "routes": {"dispatcher-1": ["node-1", "node-2"]},
        },
        {"video_id": "v2", "viewers": 4, "nodes": {"node-1": 4}, "routes": {}},
    ]


def test_a_node_whose_list_lacks_a_video_is_asked_for_it() -> None:
    videos = {NODE_2.identity: Videos(viewers={"v1": 3, "v2": 2})}
    found = {row["video_id"]: row for row in map_of(NODE_1, NODE_2, videos=videos)["videos"]}
    assert found["v2"]["nodes"] == {"node-1": 4, "node-2": 2}


def test_so_many_videos_are_told() -> None:
    nodes = [
        state(Role.NODE, f"node-{n}", busiest={f"v{n}-{m}": m + 1 for m in range(20)})
        for n in range(3)
    ]
    assert len(busiest_videos(nodes)) == len(map_of(*nodes)["videos"]) == MAX_VIDEOS
    assert busiest_videos(nodes)[:3] == ["v0-19", "v1-19", "v2-19"]


def test_totals_are_those_of_the_whole_cluster() -> None:
    rates = {
        NODE_1.identity: {"deliveries": 30.0, "received": 3.0},
        NODE_2.identity: {"deliveries": 12.5},
        WRITER.identity: {"comments": 2.0},
    }
    document = map_of(NODE_1, NODE_2, WRITER, rates=rates)
    assert document["totals"] == {"viewers": 12, "comments_per_s": 2.0, "deliveries_per_s": 42.5}
    assert map_of(NODE_1)["totals"]["deliveries_per_s"] is None, "nobody knows yet"
