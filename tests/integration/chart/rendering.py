"""The chart as Helm renders it: objects of each documented values file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from cluster.folder import CHECKOUT, helm_folder, home_folder
from cluster.servers.helm import find_helm

CHART = CHECKOUT / "deploy" / "helm" / "livecomments"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
HELM = find_helm(helm_folder(home_folder(os.environ)))
NO_HELM = "no helm (`livecomments install --tests` builds it where Go is)"
NAMESPACE = "talk"
KUBE_VERSION = "1.34"
ROLES = ("writer", "dispatcher", "node", "single")

Object = dict[str, Any]


def run_helm(*words: str) -> subprocess.CompletedProcess[str]:
    """Helm's answer, whatever it is."""
    assert HELM is not None
    return subprocess.run([HELM, *words], capture_output=True, text=True, timeout=120)


@cache
def render(example: str, *words: str) -> tuple[Object, ...]:
    """What would be installed with examples/<example>.yaml, and more words for Helm."""
    done = _template(example, "-n", NAMESPACE, *words)
    assert done.returncode == 0, done.stderr
    return tuple(each for each in yaml.safe_load_all(done.stdout) if each)


def refuse(example: str, *words: str) -> str:
    """Why Helm does not render this."""
    done = _template(example, *words)
    assert done.returncode != 0
    return done.stderr


def _template(example: str, *words: str) -> subprocess.CompletedProcess[str]:
    values = CHART / "examples" / f"{example}.yaml"
    # A Helm that was built from its module believes that Kubernetes is old.
    known = ("--kube-version", KUBE_VERSION, "-f", str(values))
    return run_helm("template", "lc", str(CHART), *known, *words)


def of_kind(objects: tuple[Object, ...], kind: str) -> dict[str, Object]:
    """Objects by name, without what begins all names."""
    return {
        each["metadata"]["name"].removeprefix("lc-"): each
        for each in objects
        if each["kind"] == kind
    }


def pods(objects: tuple[Object, ...]) -> Iterator[tuple[str, Object]]:
    """Component and spec of all pods."""
    for each in objects:
        component = each["metadata"].get("labels", {}).get("app.kubernetes.io/component", "")
        if each["kind"] == "Pod":
            yield component, each["spec"]
        elif each["kind"] in ("StatefulSet", "Deployment"):
            yield component, each["spec"]["template"]["spec"]


def containers(spec: Object) -> list[Object]:
    """All of a pod, also those that run before the others."""
    return [*spec.get("initContainers", []), *spec["containers"]]


def environment(container: Object, fields: dict[str, str]) -> dict[str, str]:
    """Its variables in a pod with such fields; what comes from a Secret is `redis://x:1`."""
    found: dict[str, str] = {}
    for each in container.get("env", []):
        source = each.get("valueFrom", {})
        if "fieldRef" in source:
            found[each["name"]] = fields[source["fieldRef"]["fieldPath"]]
        elif "secretKeyRef" in source:
            found[each["name"]] = "redis://x:1"
        else:
            value = each["value"]
            for name, known in found.items():
                value = value.replace(f"$({name})", known)
            found[each["name"]] = value
    return found
