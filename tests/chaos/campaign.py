"""Several seeds, one after the other: a failure ends only its own run, and counts at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.run import Orders, Report, run

_COLUMNS = ("seed", "outcome", "faults", "acknowledged", "deliveries", "worst impact")
# What else decides a run: it is printed with the seed, where a person has set it.
_VARIABLES = (
    "STORE", "TOPOLOGY", "RUNTIME", "PLACEMENT", "NODES", "DISPATCHERS", "WRITERS", "ZOOKEEPERS",
    "CASSANDRAS", "CASSANDRA_HEAP", "CASSANDRA_JVM_OPTIONS", "CHANNELS", "DRAIN_NOTICE_S",
    "DRAIN_WINDOW_S", "ZOOKEEPER_SESSION_S", "TIMEOUT_FACTOR",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """What is left of one run when it is over; histories are too large to be kept in memory."""

    seed: str
    outcome: str
    faults: int = 0
    acked: int = 0
    deliveries: int = 0
    impact_s: float = 0.0

    @classmethod
    def of(cls, report: Report) -> Line:
        """Of one run."""
        worst = max((impact_s for _, impact_s in report.impacts), default=0.0)
        return cls(
            report.orders.seed, report.outcome, report.injected, report.acked, report.deliveries,
            worst,
        )  # fmt: skip


def seeds_from(first: str, count: int) -> list[str]:
    """The first one and those that follow it. Raises ValueError if nothing follows it."""
    return [first] if count == 1 else [str(int(first) + number) for number in range(count)]


def repeat_line(orders: Orders, environ: Mapping[str, str]) -> str:
    """What has to stand behind `make chaos` to have this run again."""
    named = {
        "SEED": orders.seed,
        "MINUTES": f"{orders.minutes:g}",
        "FAULTS": ",".join(orders.faults),
    }
    named |= {name: environ[name] for name in _VARIABLES if environ.get(name)}
    return " ".join(f"{name}={value}" for name, value in named.items() if value)


async def run_all(
    orders: Orders,
    seeds: Iterable[str],
    folder: Path,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
) -> list[Line]:
    """One run for each seed, in `folder`/seed-..."""
    lines = []
    for seed in seeds:
        own = replace(orders, seed=seed)
        tell(repeat_line(own, environ))
        lines.append(await _run_one(own, folder / f"seed-{seed}", tell))
    return lines


async def _run_one(orders: Orders, folder: Path, tell: Callable[[str], None]) -> Line:
    try:
        report = await run(orders, folder, lambda line: tell(f"  {line}"))
    except Exception as exc:
        tell(f"did not come to its end: {type(exc).__name__}: {exc}\nlogs: {folder}")
        return Line(orders.seed, "VOID")
    tell(report.text())
    if not report.good:
        tell(f"history, report and logs: {folder}")
    return Line.of(report)


def is_good(lines: Iterable[Line]) -> bool:
    """Whether all held."""
    return all(line.outcome == "held" for line in lines)


def table(lines: Sequence[Line]) -> str:
    """One line for each seed, and their sums."""
    rows = [
        (
            line.seed,
            line.outcome,
            line.faults,
            line.acked,
            line.deliveries,
            f"{line.impact_s:.1f} s",
        )
        for line in lines
    ]
    held = sum(line.outcome == "held" for line in lines)
    total = (
        f"{len(lines)} seeds, {held} held; {sum(line.faults for line in lines)} faults injected, "
        f"{sum(line.acked for line in lines)} comments, "
        f"{sum(line.deliveries for line in lines)} deliveries judged"
    )
    return "\n".join([*(_cells(row) for row in [_COLUMNS, *rows]), total])


def _cells(row: Sequence[object]) -> str:
    return "".join(f"{cell!s:<14}" for cell in row).rstrip()
