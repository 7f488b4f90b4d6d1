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


LIMITED = ("--set", "networkPolicy.egress.enabled=true")


def calls(policy: Object) -> dict[int, set[str]]:
    """Port -> the components that it may call there."""
    found: dict[int, set[str]] = {}
    for rule in policy["spec"]["egress"]:
        peers = {
            peer.get("podSelector", {}).get("matchLabels", {}).get(_COMPONENT, "others")
            for peer in rule.get("to", [])
        }
        for port in rule["ports"]:
            found.setdefault(port["port"], set()).update(peers or ANYBODY)
    return found


def numbers(objects: tuple[Object, ...], component: str) -> dict[str, int]:
    """The ports of the pods of a component, by name."""
    kind = "Deployment" if component == "gateway" else "StatefulSet"
    (container, *_) = of_kind(objects, kind)[component]["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["containerPort"] for each in container["ports"]}


def test_whom_pods_may_call_is_said_on_demand() -> None:
    objects = render("trial", *LIMITED)
    policies = of_kind(objects, "NetworkPolicy")
    ours = {"writer", "dispatcher", "node"}
    for role in ours:
        assert calls(policies[role]) == {
            53: ANYBODY,
            8002: ours,
            8003: ours,
            2181: {"zookeeper"},
        }
    outer = {"writer", "node"}
    assert calls(policies["gateway"]) == {53: ANYBODY, 8001: outer, 8003: outer}
    assert calls(policies["zookeeper"]) == {
        53: ANYBODY,
        2888: {"zookeeper"},
        3888: {"zookeeper"},
    }
    for policy in policies.values():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_whoever_is_let_in_is_let_out() -> None:
    """What one policy allows between two of our pods, the other one's does too."""
    objects = render("trial", *LIMITED)
    policies = of_kind(objects, "NetworkPolicy")
    entered = {
        (caller, callee, numbers(objects, callee)[port])
        for callee, policy in policies.items()
        for port, callers in reach(policy).items()
        for caller in callers - ANYBODY
    }
    left = {
        (caller, callee, port)
        for caller, policy in policies.items()
        for port, callees in calls(policy).items()
        for callee in callees - ANYBODY
    }
    assert entered == left


def test_one_process_calls_names_alone() -> None:
    rule = '[{"to":[{"ipBlock":{"cidr":"10.9.0.1/32"}}],"ports":[{"port":443}]}]'
    words = ("--set-json", f"networkPolicy.egress.rules.single={rule}")
    policies = of_kind(render("single", *LIMITED, *words), "NetworkPolicy")
    assert calls(policies["single"]) == {53: ANYBODY, 443: {"others"}}
    assert calls(policies["gateway"]) == {53: ANYBODY, 8001: {"single"}, 8003: {"single"}}


def test_names_are_asked_for_where_it_is_said() -> None:
    peer = '[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"kube-system"}}}]'
    words = ("--set-json", f"networkPolicy.egress.dns={peer}")
    policies = of_kind(render("trial", *LIMITED, *words), "NetworkPolicy")
    for policy in policies.values():
        assert calls(policy)[53] == {"others"}


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
