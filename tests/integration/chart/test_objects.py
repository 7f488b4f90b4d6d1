"""What must be true of the objects that the chart renders from each documented values file."""

from __future__ import annotations

import pytest

from tests.integration.chart.rendering import (
    EXAMPLES,
    HELM,
    NO_HELM,
    ROLES,
    Object,
    containers,
    of_kind,
    pods,
    render,
)

pytestmark = pytest.mark.skipif(HELM is None, reason=NO_HELM)

NAMES = [path.stem for path in EXAMPLES]
_VOLUMES = {"emptyDir", "secret", "projected", "csi", "configMap", "persistentVolumeClaim"}


@pytest.fixture(params=NAMES)
def objects(request: pytest.FixtureRequest) -> tuple[Object, ...]:
    return render(request.param)


def test_all_names_are_told_apart(objects: tuple[Object, ...]) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(names) == len(set(names))


def test_pods_are_what_the_restricted_level_demands(objects: tuple[Object, ...]) -> None:
    for _, spec in pods(objects):
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        for volume in spec.get("volumes", []):
            assert set(volume) - {"name"} <= _VOLUMES
        for container in containers(spec):
            allowed = container["securityContext"]
            assert allowed["allowPrivilegeEscalation"] is False
            assert allowed["capabilities"] == {"drop": ["ALL"]}
            assert "privileged" not in allowed


def test_our_pods_write_nowhere_but_to_volumes(objects: tuple[Object, ...]) -> None:
    for component, spec in pods(objects):
        if component != "zookeeper":  # its image writes beside its own files
            for container in containers(spec):
                assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_no_pod_has_a_way_to_the_api(objects: tuple[Object, ...]) -> None:
    for _, spec in pods(objects):
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False


def test_no_volume_is_mounted_in_part(objects: tuple[Object, ...]) -> None:
    """What changes in a Secret would never reach the pod."""
    for _, spec in pods(objects):
        for container in containers(spec):
            for mount in container.get("volumeMounts", []):
                assert not {"subPath", "subPathExpr"} & set(mount)


def test_every_mount_has_its_volume(objects: tuple[Object, ...]) -> None:
    claims = {
        component: {"data"}
        for component, each in of_kind(objects, "StatefulSet").items()
        if "volumeClaimTemplates" in each["spec"]
    }
    for component, spec in pods(objects):
        known = {volume["name"] for volume in spec.get("volumes", [])}
        used = {m["name"] for c in containers(spec) for m in c.get("volumeMounts", [])}
        assert used == known | claims.get(component, set())


def test_every_container_has_bounds(objects: tuple[Object, ...]) -> None:
    for _, spec in pods(objects):
        for container in containers(spec):
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"]["cpu"]


def test_processes_are_numbered_from_one_and_known_before_they_are_ready(
    objects: tuple[Object, ...],
) -> None:
    services = of_kind(objects, "Service")
    for name, each in of_kind(objects, "StatefulSet").items():
        spec = each["spec"]
        assert spec["ordinals"] == {"start": 1}
        assert spec["podManagementPolicy"] == "Parallel"
        service = services[name]["spec"]
        assert spec["serviceName"] == f"lc-{name}"
        assert service["clusterIP"] == "None"
        assert service["publishNotReadyAddresses"] is True
        assert service["selector"] == spec["selector"]["matchLabels"]


def test_processes_have_time_for_their_drain(objects: tuple[Object, ...]) -> None:
    for component, spec in pods(objects):
        if component in ROLES:
            variables = {each["name"]: each.get("value", "") for each in container_env(spec)}
            notice = float(variables.get("DRAIN_NOTICE_S", 0))
            window = float(variables.get("DRAIN_WINDOW_S", 0))
            assert spec["terminationGracePeriodSeconds"] >= notice + window + 15


def container_env(spec: Object) -> list[Object]:
    env: list[Object] = spec["containers"][0].get("env", [])
    return env


def test_processes_are_asked_on_their_ops_port(objects: tuple[Object, ...]) -> None:
    for component, spec in pods(objects):
        if component in ROLES:
            (container,) = spec["containers"]
            assert {"name": "ops", "containerPort": 8003} in container["ports"]
            paths = {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
            for kind, path in paths.items():
                assert container[f"{kind}Probe"]["httpGet"] == {"path": path, "port": "ops"}


def test_the_gateway_goes_on_until_it_is_forgotten(objects: tuple[Object, ...]) -> None:
    gateway = of_kind(objects, "Deployment")["gateway"]["spec"]
    assert gateway["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    spec = gateway["template"]["spec"]
    (haproxy,) = [each for each in spec["containers"] if each["name"] == "haproxy"]
    (_, _, script) = haproxy["lifecycle"]["preStop"]["exec"]["command"]
    sleeps = [int(word.split()[1]) for word in script.split("; ") if word.startswith("sleep")]
    assert "kill -USR1 1" in script
    assert spec["terminationGracePeriodSeconds"] > sum(sleeps)


def test_a_certificate_of_yours_is_followed(objects: tuple[Object, ...]) -> None:
    """Where the chart makes one, it lasts as long as the pod."""
    spec = of_kind(objects, "Deployment")["gateway"]["spec"]["template"]["spec"]
    haproxy, *others = spec["containers"]
    if not any(volume["name"] == "tls" for volume in spec["volumes"]):
        assert others == []
        return
    (follower,) = others
    (configuration,) = spec["initContainers"]
    (named,) = [word for word in configuration["args"] if word.startswith("--certificate=")]
    (socket,) = [word for word in configuration["args"] if word.startswith("--control=")]
    _, command, certificate, control = follower["args"]
    assert command == "gateway-certificate"
    assert named == f"--certificate={certificate}"
    assert socket.startswith(f"--control=unix@{control.removeprefix('--control=')}/haproxy.sock ")
    for container in (haproxy, follower):
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts["configuration"] == control.removeprefix("--control=")
        assert certificate.startswith(f"{mounts['tls']}/")


def test_hosts_share_the_pods_of_a_role(objects: tuple[Object, ...]) -> None:
    """Of one revision, so that an update is not hindered by the pods that it replaces."""
    for component, spec in pods(objects):
        if component != "test":
            spread = spec["topologySpreadConstraints"]
            assert spread[0]["topologyKey"] == "kubernetes.io/hostname"
            for each in spread:
                assert each["whenUnsatisfiable"] == "DoNotSchedule"
                assert each["nodeTaintsPolicy"] == "Honor"
                labels = each["labelSelector"]["matchLabels"]
                assert labels["app.kubernetes.io/component"] == component
                (revision,) = each["matchLabelKeys"]
                by_deployment = component == "gateway"
                assert revision == (
                    "pod-template-hash" if by_deployment else "controller-revision-hash"
                )


def test_one_pod_of_a_role_at_a_time_is_evicted(objects: tuple[Object, ...]) -> None:
    budgets = of_kind(objects, "PodDisruptionBudget")
    for name in {component for component, _ in pods(objects)} - {"test", "single"}:
        assert budgets[name]["spec"]["maxUnavailable"] == 1


def test_selectors_find_their_pods_alone(objects: tuple[Object, ...]) -> None:
    templates = [
        each["spec"]["template"]["metadata"]["labels"]
        for kind in ("StatefulSet", "Deployment")
        for each in of_kind(objects, kind).values()
    ]
    for kind in ("Service", "PodDisruptionBudget"):
        for each in of_kind(objects, kind).values():
            selector = each["spec"]["selector"]
            wanted = selector.get("matchLabels", selector).items()
            assert sum(wanted <= labels.items() for labels in templates) == 1


def test_the_file_of_comments_has_one_writer_and_a_volume(objects: tuple[Object, ...]) -> None:
    for each in of_kind(objects, "StatefulSet").values():
        env = {e["name"]: e.get("value") for e in container_env(each["spec"]["template"]["spec"])}
        if env.get("STORE") == "sqlite":
            assert each["spec"]["replicas"] == 1
            (claim,) = each["spec"]["volumeClaimTemplates"]
            assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
