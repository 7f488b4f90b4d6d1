"""Many small rooms against one big one of as many viewers: CPU per delivery.

2,000 videos with 5 viewers each get 400 comments/s over all, in turn; in the other process all
viewers watch one video, which gets as many comments as each of the small ones. So all viewers of
both get the same, and no room is silent for long enough for a heartbeat. Both run at the same time,
on the same core, of which they need little: other work on the machine hits both. So does the third:
a loop that does nothing but send to five sockets at a time as often, which a big room is spared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from bench import node_server, sink
from bench.child import Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, On, Row, Target, measured
from bench.senders import RawSender
from rtms_node.ring import encode_frame

VIEWERS_PER_ROOM = 5
COMMENTS_PER_S = 400


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    rooms = [f"room-{number}" for number in range(effort.choose(2_000, 50))]
    viewers = len(rooms) * VIEWERS_PER_ROOM
    with ExitStack() as stack:
        many = _node(stack, rooms * VIEWERS_PER_ROOM)
        one = _node(stack, ["big"] * viewers)
        frame = encode_frame("testepoch001", 1, many.ask("sample", rooms[0]))
        raw = RawSender(stack, viewers, frame)
        done = [_costs(many, one, raw, rooms) for _ in range(effort.repeats)]
    small, big, bare = (measured([costs[of] for costs in done], "us") for of in range(3))
    figure = (
        f"CPU per delivery, {len(rooms):,} videos x {VIEWERS_PER_ROOM} viewers,"
        f" {COMMENTS_PER_S} comments/s over all"
    )
    beside = Beside(f"one room of {viewers:,}, as many/s", big)
    yield Row(figure, small, limit=beside, target=Target(1.5, "times", on=On.LIMIT))
    yield Row(figure, small, limit=Beside(f"{raw.name}, {VIEWERS_PER_ROOM} at a time", bare))


def _node(stack: ExitStack, video_ids: list[str]) -> Child:
    viewers = stack.enter_context(Child(sink.run, cores()[1]))
    node = stack.enter_context(Child(node_server.run, cores()[0]))
    sink.connect(viewers, node.ask("port"), video_ids)
    return node


def _costs(many: Child, one: Child, raw: RawSender, rooms: list[str]) -> tuple[float, float, float]:
    """Microseconds in each: over 10 s, in which each room gets two comments."""
    many.tell("post_steadily", rooms, COMMENTS_PER_S, len(rooms))
    one.tell("post_steadily", ["big"], COMMENTS_PER_S / len(rooms), 1)
    raw.begin(COMMENTS_PER_S, 3 * len(rooms), len(rooms))
    loads: list[node_server.Load] = [many.answer(), one.answer()]
    small, big = (load.cpu_s / load.deliveries * 1e6 for load in loads)
    return small, big, raw.cost()
