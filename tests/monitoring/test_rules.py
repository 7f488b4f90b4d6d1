"""The rules, checked and run by promtool: each alert fires for what it is for, and for nothing
else.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from cluster.servers.install import find_prometheus
from tests.monitoring.monitoring_files import FOLDER, RULES_FILE, alerts
from tests.unit.test_docs import anchors
from tests.unit.test_layers import ROOT

pytestmark = pytest.mark.skipif(
    find_prometheus() is None, reason="no promtool (`livecomments install --tests` brings it)"
)
END_MIN = 45  # of a scenario; longer than any alert waits
_STEPS = END_MIN * 4
NODE = '{job="livecomments",role="node",instance="node-1:8003"%s}'
WRITER = '{job="livecomments",role="writer",instance="writer-1:8003"%s}'
DISPATCHER = '{job="livecomments",role="dispatcher",instance="dispatcher-1:8003"%s}'


def always(value: float) -> str:
    return f"{value}x{_STEPS}"


def growing(step: float) -> str:
    """By so much with each scrape, every 15 s."""
    return f"0+{step}x{_STEPS}"


def of(name: str, process: str, **labels: str) -> str:
    more = "".join(f',{label}="{value}"' for label, value in labels.items())
    return name + process % more


def metric(name: str, process: str, **labels: str) -> str:
    return of(f"livecomments_{name}", process, **labels)


def buckets(name: str, process: str, *, slow: bool) -> dict[str, str]:
    """A histogram: a tenth of all values is near 4 s if it is `slow`, else below 0.064 s."""
    counts = {"0.001": 9, "0.064": 9 if slow else 10, "4": 10, "+Inf": 10}
    return {
        metric(f"{name}_bucket", process, le=le): growing(count) for le, count in counts.items()
    }


def unlabelled(process: str, *names: str) -> dict[str, str]:
    return {metric(name, process): always(0) for name in names}


# A cluster at which nobody has to look.
CALM = {
    **{of("up", process): always(1) for process in (NODE, WRITER, DISPATCHER)},
    **{metric("ready", process): always(1) for process in (NODE, WRITER, DISPATCHER)},
    **{metric("draining", process): always(0) for process in (NODE, WRITER, DISPATCHER)},
    **{
        metric("certificate_expires_in_days", process): always(300)
        for process in (NODE, WRITER, DISPATCHER)
    },
    **{metric("zookeeper_connected", process): always(1) for process in (NODE, WRITER, DISPATCHER)},
    **unlabelled(
        NODE, "zookeeper_suspensions_total", "zookeeper_cuts_total", "gaps_total", "resets_total",
        "connections_refused_total", "descriptor_shortages_total", "trimmed_frames_total",
        "regressions_total", "contradictions_total", "junk_znodes_total",
        "registrations_lost_total", "registrations_pending", "log_lines_lost_total",
        "forwarded_ignored_total",
    ),
    **unlabelled(DISPATCHER, "nodes_failing", "routes_waiting", "route_unknown_nodes_total"),
    metric("queued_bytes", DISPATCHER): always(50_000),
    metric("store_reachable", NODE): always(1),
    metric("viewers", NODE): always(1000),
    metric("deliveries_total", NODE): growing(1000),
    **buckets("post_to_write_seconds", NODE, slow=False),
    **buckets("commit_seconds", WRITER, slow=False),
    metric("comments_accepted_total", WRITER): growing(300),
    metric("comments_refused_total", WRITER, reason="store"): always(0),
    metric("comments_refused_total", WRITER, reason="rate"): growing(100),
    metric("comments_refused_total", WRITER, reason="held_full"): always(0),
    metric("requests_refused_total", WRITER, code="slow_mode"): growing(50),
    metric("requests_refused_total", WRITER, code="token_invalid"): growing(0.01),
    metric("queue_depth", WRITER, queue="commit"): always(3),
    metric("erasures_pending", WRITER): always(0),
    metric("counts_known", WRITER): always(1),
    metric("byes_total", NODE, reason="drain"): growing(10),
    metric("byes_total", NODE, reason="slow"): growing(0.05),
    metric("forward_dropped_comments_total", DISPATCHER, reason="stopped"): growing(1),
    metric("dispatched_batches_total", DISPATCHER, outcome="no_node"): growing(10),
    metric("dispatched_batches_total", DISPATCHER, outcome="routed"): growing(10),
}  # fmt: skip

# For each alert what makes it fire, and it alone (or those that are named with it).
FIRES: dict[str, dict[str, str]] = {
    "LivecommentsRoleDown LivecommentsProcessDown": {of("up", DISPATCHER): always(0)},
    "LivecommentsProcessDown": {
        of("up", NODE.replace("node-1", "node-2")): always(0),
    },
    "LivecommentsNotReady": {metric("ready", NODE): always(0)},
    "LivecommentsDegraded": {metric("degraded", NODE, dependency="store"): always(1)},
    "LivecommentsDegraded LivecommentsSeveralStores": {
        metric("degraded", NODE, dependency="stores"): always(1)
    },
    "LivecommentsZooKeeperAway": {metric("zookeeper_connected", NODE): always(0)},
    "LivecommentsRedisAway": {metric("redis_connected", NODE): always(0)},
    "LivecommentsConnectionsUnsteady": {metric("redis_failures_total", NODE): growing(0.1)},
    "LivecommentsNodeFailing": {metric("nodes_failing", DISPATCHER): always(1)},
    "LivecommentsPostsRefused": {
        metric("comments_refused_total", WRITER, reason="store"): growing(10)
    },
    "LivecommentsStoreUnreachable": {metric("store_reachable", NODE): always(0)},
    "LivecommentsStoreFails": {metric("store_failures_total", WRITER, call="append"): growing(1)},
    "LivecommentsCommitsSlow": buckets("commit_seconds", WRITER, slow=True),
    "LivecommentsReadsRefused": {
        metric("reads_refused_total", WRITER, lane="ranges", reason="full"): growing(1)
    },
    "LivecommentsKeysUnavailable": {
        metric("requests_refused_total", WRITER, code="keys_unavailable"): growing(1)
    },
    "LivecommentsTokensRefused": {
        metric("tickets_refused_total", NODE, code="ticket_invalid"): growing(10)
    },
    "LivecommentsBacklog": {metric("queue_depth", WRITER, queue="commit"): always(4000)},
    "LivecommentsDeliverySlow": buckets("post_to_write_seconds", NODE, slow=True),
    "LivecommentsForwardsDropped": {
        metric("forward_dropped_comments_total", DISPATCHER, reason="late"): growing(1)
    },
    "LivecommentsDispatchDropped": {
        metric("publish_dropped_total", WRITER, reason="late"): growing(1)
    },
    "LivecommentsUnrouted": {
        metric("dispatched_batches_total", DISPATCHER, outcome="unrouted"): growing(1)
    },
    "LivecommentsRegistrationsPending": {metric("registrations_pending", NODE): always(4)},
    "LivecommentsViewersShed": {metric("byes_total", NODE, reason="shed"): growing(1)},
    "LivecommentsViewersSlow": {metric("byes_total", NODE, reason="slow"): growing(5)},
    "LivecommentsGaps": {metric("gaps_total", NODE): growing(10)},
    "LivecommentsResets": {metric("resets_total", NODE): growing(10)},
    "LivecommentsConnectionsRefused": {metric("connections_refused_total", NODE): growing(1)},
    "LivecommentsViewerCountsLow": {
        metric("counts_dropped_total", WRITER, reason="videos"): growing(1)
    },
    "LivecommentsViewerCountsUnknown": {metric("counts_known", WRITER): always(0)},
    "LivecommentsFramesTrimmed": {metric("trimmed_frames_total", NODE): growing(1)},
    "LivecommentsStoreWentBack": {
        metric("regressions_total", NODE): f"0x{_STEPS - 40} 1x40",
    },
    "LivecommentsForeignMessages": {metric("junk_messages_total", NODE): growing(1)},
    "LivecommentsForwardedIgnored": {metric("forwarded_ignored_total", NODE): growing(1)},
    "LivecommentsUnknownNodes": {metric("route_unknown_nodes_total", DISPATCHER): growing(1)},
    "LivecommentsCertificateEndsSoon": {metric("certificate_expires_in_days", NODE): always(10)},
    "LivecommentsCertificateEndsSoon LivecommentsCertificateEndsNow": {
        metric("certificate_expires_in_days", NODE): always(1)
    },
    "LivecommentsLogLost": {metric("log_lines_lost_total", NODE): growing(1)},
    "LivecommentsErasureNotDone": {metric("erasures_pending", WRITER): always(1)},
    "LivecommentsHeldQueueFull": {
        metric("comments_refused_total", WRITER, reason="held_full"): growing(1)
    },
}
# What looks bad and is in order: nobody is called.
FINE = {
    "a node that drains": {metric("ready", NODE): always(0), metric("draining", NODE): always(1)},
    "a restart of half a minute": {of("up", NODE): f"1x{_STEPS - 2} 0x2"},
    "a dispatcher that is seen failing for a moment": {
        metric("nodes_failing", DISPATCHER): f"0x{_STEPS - 1} 1"
    },
    "an erasure that takes some minutes": {
        metric("erasures_pending", WRITER): f"0x{_STEPS - 20} 1x20"
    },
}


def scenario(series: dict[str, str], names: list[str]) -> dict[str, object]:
    return {
        "interval": "15s",
        "input_series": [
            {"series": name, "values": values} for name, values in (CALM | series).items()
        ],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{END_MIN}m",
                "exp_samples": [
                    {"labels": f'{{alertname="{name}"}}', "value": 1} for name in names
                ],
            }
        ],
    }


def promtool(*arguments: str) -> str:
    found = find_prometheus()
    assert found is not None
    done = subprocess.run(
        [found[1], *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_nothing_wrong() -> None:
    assert "SUCCESS" in promtool("check", "rules", str(RULES_FILE))
    assert "SUCCESS" in promtool("check", "config", str(FOLDER / "prometheus.yml"))


def test_each_alert_fires_for_what_it_is_for_and_no_other_does(tmp_path: Path) -> None:
    cases = [scenario(series, names.split()) for names, series in FIRES.items()]
    cases += [scenario({}, []), *(scenario(series, []) for series in FINE.values())]
    file = tmp_path / "rules_test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES_FILE)], "tests": cases}))
    assert "SUCCESS" in promtool("test", "rules", str(file))


def test_every_alert_has_a_scenario() -> None:
    assert {name for names in FIRES for name in names.split()} == set(alerts())


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_how_bad_it_is_what_and_where_to_read_on(name: str) -> None:
    rule = alerts()[name]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert path == "docs/operations.md"
    assert anchor in anchors(ROOT / path)
