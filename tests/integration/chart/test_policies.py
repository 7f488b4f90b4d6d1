"""Who reaches which port, as the chart's NetworkPolicies say."""

from __future__ import annotations

import pytest

from tests.integration.chart.rendering import HELM, NO_HELM, ROLES, Object, of_kind, render

pytestmark = pytest.mark.skipif(HELM is None, reason=NO_HELM)

_COMPONENT = "app.kubernetes.io/component"
ANYBODY = {"anybody"}


def reach(policy: Object) -> dict[str, set[str]]:
    """Port -> the components that reach it."""
    found: dict[str, set[str]] = {}
    for rule in policy["spec"]["ingress"]:
        peers = {
            peer.get("podSelector", {}).get("matchLabels", {}).get(_COMPONENT, "others")
            for peer in rule.get("from", [])
        }
        for port in rule["ports"]:
            found.setdefault(port["port"], set()).update(peers or ANYBODY)
    return found


@pytest.mark.parametrize("example", ["trial", "jwt", "broadcast", "partitioned"])
def test_public_ports_are_for_the_gateway_and_internal_ones_for_us(example: str) -> None:
    policies = of_kind(render(example), "NetworkPolicy")
    ours = {role for role in ROLES if role in policies}
    for role in ours - {"dispatcher"}:
        assert reach(policies[role]) == {
            "public": {"gateway"},
            "ops": {"gateway"} | ours,
            "internal": ours,
        }
    if "dispatcher" in ours:
        assert reach(policies["dispatcher"]) == {"ops": ours, "internal": ours}
    assert reach(policies["gateway"]) == {"http": ANYBODY, "https": ANYBODY}


def test_one_process_is_reached_by_the_gateway_alone() -> None:
    policies = of_kind(render("single"), "NetworkPolicy")
    assert reach(policies["single"]) == {"public": {"gateway"}, "ops": {"gateway"}}


def test_monitoring_reaches_ops_ports_and_no_other() -> None:
    policies = of_kind(render("production"), "NetworkPolicy")
    for role in ("writer", "dispatcher", "node"):
        reached = {port for port, by in reach(policies[role]).items() if "others" in by}
        assert reached == {"ops"}


def test_the_small_zookeeper_is_reached_by_us() -> None:
    policies = of_kind(render("trial"), "NetworkPolicy")
    assert reach(policies["zookeeper"]) == {
        "client": {"writer", "dispatcher", "node"},
        "quorum": {"zookeeper"},
        "election": {"zookeeper"},
    }


def test_every_policy_is_for_pods_that_exist() -> None:
    objects = render("production")
    components = {
        each["spec"]["template"]["metadata"]["labels"][_COMPONENT]
        for kind in ("StatefulSet", "Deployment")
        for each in of_kind(objects, kind).values()
    }
    policies = of_kind(objects, "NetworkPolicy")
    selected = {
        each["spec"]["podSelector"]["matchLabels"][_COMPONENT] for each in policies.values()
    }
    assert selected == components
    assert all(each["spec"]["policyTypes"] == ["Ingress"] for each in policies.values())
