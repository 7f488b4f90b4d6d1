"""Three real runs, and what the planner said before each of them.

The runs differ from those that the constants come from: other numbers of nodes, of viewers and of
comments, both placements, viewers who come and go. The error is told for every figure; none is
left out for being large.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from planner.constants import Constants
from planner.demand import Demand
from planner.gateway_hash import BoundedLoad, Ring
from planner.model import DISPATCHER, NODE, STAGES, TO_VIEWERS, WRITER, Forecast, Shape
from planner.model import forecast as predict
from planner.placement import HASH
from planner.runs import TEXT, Window, real_run, viewers_of
from wire.comment import NewComment, encode_comment

SECONDS = 20.0
_WARM_UP_S = 4.0
_STAYS = 2.0  # until nearly everybody was replaced, and the order of arrival has been forgotten
_NOTHING = 0.05
_FOR_EVER_S = 1e9


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run: viewers stay for `demand.stay_s`."""

    name: str
    shape: Shape
    demand: Demand


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of one run."""

    run: str
    figure: str
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """0.1: predicted is a tenth too high."""
        if max(self.predicted, self.measured) < _NOTHING:
            return 0.0
        return self.predicted / max(self.measured, _NOTHING) - 1.0


SCENARIOS = (
    Scenario(
        "rooms of 80",
        Shape(nodes=3),
        Demand(800, 10, 40.0, zipf=0.0, stay_s=_FOR_EVER_S, prefix="room-"),
    ),
    Scenario(
        "hot videos, viewers stay 15 s",
        Shape(nodes=5, dispatchers=1),
        Demand(500, 60, 60.0, zipf=1.0, stay_s=15.0, prefix="hot-"),
    ),
    Scenario(
        "round robin, small rooms, viewers stay 20 s",
        Shape(nodes=4, dispatchers=2, writers=1, placement="round_robin"),
        Demand(600, 200, 30.0, zipf=0.5, stay_s=20.0, prefix="small-"),
    ),
)


async def check(constants: Constants, scenario: Scenario) -> list[Compared]:
    """Run it and compare. Raises BenchFailed."""
    demand = replace(scenario.demand, comment_bytes=comment_bytes(scenario.demand), replay=0.0)
    # The server of a run has just been started.
    cold = replace(constants, zookeeper_change=constants.zookeeper_cold_change)
    forecast = predict(demand, scenario.shape, cold)
    async with real_run(scenario.shape) as run:
        placed = run.join(demand)
        if demand.stay_s < _FOR_EVER_S:
            run.stay(demand.stay_s)
            await run.phase(replace(demand, comments_per_s=0.0), _STAYS * demand.stay_s)
        await run.phase(demand, _WARM_UP_S)
        window = await run.phase(demand, SECONDS)
    return _compare(scenario, demand, forecast, placed, window)


def _compare(
    scenario: Scenario,
    demand: Demand,
    forecast: Forecast,
    placed: list[tuple[str, str]],
    window: Window,
) -> list[Compared]:
    rates = forecast.rates
    forwarded = window.grown(DISPATCHER, "forwarded_comments_total")
    comments = window.grown(WRITER, "comments_accepted_total")
    by_rule = placed_by_rule(scenario.shape, demand)
    figures = {
        "viewers of the fullest node, all come": (
            max(Counter(node for _, node in by_rule).values()),
            max(Counter(node for _, node in placed).values()),
        ),
        "videos times nodes, all come": (len(set(by_rule)), len(set(placed))),
        "registrations": (rates.registrations, window.mean(NODE, "registrations")),
        "znodes": (rates.znodes, window.znodes),
        "forwards per comment": (forecast.placement.copies_per_comment, forwarded / comments),
        "forward requests/s": (rates.forwards, window.rate(DISPATCHER, "forwards_total")),
        "deliveries/s": (rates.deliveries, window.rate(NODE, "deliveries_total")),
        "writes to viewers/s": (rates.writes, window.rate(NODE, "writes_total")),
        "kB/s to viewers": (_payload(forecast) / 1e3, window.received / 1e3),
        # A video's own znode comes and goes in the transaction of a registration.
        "ZooKeeper transactions/s": (2 * forecast.placement.appearing, window.transactions),
    }
    figures |= {
        f"{stage} CPU, millicores": (
            1e3 * forecast.stages[stage].cores,
            1e3 * window.cores(stage),
        )
        for stage in STAGES
    }
    return [
        Compared(scenario.name, figure, float(predicted), float(measured))
        for figure, (predicted, measured) in figures.items()
    ]


def placed_by_rule(shape: Shape, demand: Demand) -> list[tuple[str, str]]:
    """What the gateway's own arithmetic makes of these viewers, one after another."""
    order = viewers_of(demand)
    if shape.placement != HASH:
        return [(video_id, f"node-{at % shape.nodes + 1}") for at, video_id in enumerate(order)]
    gateway = BoundedLoad(Ring(shape.nodes))
    return [(video_id, f"node-{gateway.place(video_id) + 1}") for video_id in order]


def comment_bytes(demand: Demand) -> float:
    """The public JSON of what planner.runs posts."""
    video_id = f"{demand.prefix}{demand.videos}"
    new = NewComment("bench", TEXT)
    return float(len(encode_comment("a" * 12, video_id, 100, new, "2026-01-01T00:00:00.000Z")))


def _payload(forecast: Forecast) -> float:
    """What viewers read: the link without packets' headers, and without those who have left."""
    link = forecast.links[TO_VIEWERS]
    streams = forecast.rates.streams
    return (
        (link.bytes - link.messages * Constants().packet_bytes) * forecast.demand.viewers / streams
    )
