"""Installs the chart, finds its gateway, and takes everything away again."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from cluster.folder import CHECKOUT
from tests.k8s.hosts import chosen_host
from tests.k8s.kubernetes import Failed, Kubernetes, names, run

RELEASE = "lc"
COMPONENT = "app.kubernetes.io/component"  # the label
ROLES = ("writer", "dispatcher", "node", "gateway", "zookeeper")
CHART = CHECKOUT / "deploy" / "helm" / "livecomments"
_HERE = Path(__file__).parent
_ANSWERS_WITHIN_S = 3.0


def workload(role: str) -> str:
    """As kubectl names it."""
    kind = "deployment" if role == "gateway" else "statefulset"
    return f"{kind}/{RELEASE}-{role}"


async def prepare(kubernetes: Kubernetes) -> None:
    """The namespace, and the Cassandra that the chart expects."""
    await run("kubectl", "create", "namespace", kubernetes.namespace)
    if chosen_host():
        await run("kubectl", "cordon", chosen_host())
    try:
        await kubernetes.kubectl("apply", "-f", str(_HERE / "cassandra.yaml"))
        await kubernetes.rolled_out("statefulset/cassandra")
    finally:
        if chosen_host():
            await run("kubectl", "uncordon", chosen_host())


async def install(kubernetes: Kubernetes, *words: str) -> None:
    """Install or upgrade; returns when all pods are new and ready. K8S_IMAGE (repository:tag) is
    our image, K8S_VALUES a file with more values.
    """
    ours = image(os.environ.get("K8S_IMAGE", "livecomments:test"))
    more = ("-f", os.environ["K8S_VALUES"]) if os.environ.get("K8S_VALUES") else ()
    values = ("-f", str(_HERE / "values.yaml"), *more, *ours, *words)
    await kubernetes.helm("upgrade", "--install", RELEASE, str(CHART), *values)
    await kubernetes.rolled_out(*map(workload, ROLES))


def image(name: str) -> tuple[str, ...]:
    """How Helm is told of repository:tag."""
    repository, _, tag = name.rpartition(":")
    return ("--set", f"image.repository={repository}", "--set-string", f"image.tag={tag}")


async def try_by_hook(kubernetes: Kubernetes) -> None:
    """`helm test`. Raises Failed, with what the test printed."""
    try:
        await kubernetes.helm("test", RELEASE, "--timeout", "150s")
    except Failed as exc:
        raise Failed(f"{exc}\n{await kubernetes.kubectl('logs', f'{RELEASE}-test')}") from exc


async def find_gateway(kubernetes: Kubernetes) -> str | None:
    """Where it is reached from here, plain HTTP; None if it is not."""
    service = (await kubernetes.get("service", f"{RELEASE}-gateway"))["spec"]
    port = next(each for each in service["ports"] if each["name"] == "http")
    places = [(service["clusterIP"], port["port"])]
    for host in (await kubernetes.get("nodes"))["items"]:
        if host["metadata"]["name"] == chosen_host():
            continue
        addresses = [a["address"] for a in host["status"]["addresses"] if a["type"] != "Hostname"]
        places += [(address, port["nodePort"]) for address in addresses]
    for address, number in places:
        if await _answers(address, number):
            return f"http://{address}:{number}"
    return None


async def uninstall(kubernetes: Kubernetes) -> list[str]:
    """What the chart leaves behind."""
    await kubernetes.helm("uninstall", RELEASE, "--wait", "--timeout", "120s")
    kinds = "pods,services,statefulsets,deployments,secrets,networkpolicies,poddisruptionbudgets"
    ours = ("-l", f"app.kubernetes.io/instance={RELEASE}")
    for _ in range(60):  # pods have their grace
        left = names(await kubernetes.get(kinds, *ours))
        if not left:
            break
        await asyncio.sleep(1)
    return list(left)


async def remove(kubernetes: Kubernetes) -> None:
    """The namespace, with all that is in it. Idempotent."""
    await run("kubectl", "delete", "namespace", kubernetes.namespace, "--ignore-not-found")


async def describe(kubernetes: Kubernetes) -> str:
    """For people, when something went wrong."""
    try:
        pods = await kubernetes.kubectl("get", "pods", "-o", "wide")
        events = await kubernetes.kubectl("get", "events", "--sort-by=.lastTimestamp")
    except Failed as exc:
        return str(exc)
    return pods + "\n".join(events.splitlines()[-25:])


async def _answers(address: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
            answer = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in answer
