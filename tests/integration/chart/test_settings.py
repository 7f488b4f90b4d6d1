"""The variables and arguments of pods, read by the programs that will get them."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dispatcher.config
import rtms_node.config
import single.config
import writer.config
from cluster.ca import DevelopmentCa
from cluster.certificates import make_certificates, read_wanted
from cluster.folder import CHECKOUT
from cluster.servers import haproxy
from service.tls import TlsFiles
from tests.integration.chart.rendering import (
    EXAMPLES,
    HELM,
    NAMESPACE,
    NO_HELM,
    ROLES,
    Object,
    environment,
    of_kind,
    pods,
    refuse,
    render,
)
from wire.roles import Role

pytestmark = pytest.mark.skipif(HELM is None, reason=NO_HELM)

NAMES = [path.stem for path in EXAMPLES]
READERS: dict[str, Any] = {
    "writer": writer.config.Config,
    "dispatcher": dispatcher.config.Config,
    "node": rtms_node.config.Config,
    "single": single.config.Config,
}
_DOMAIN = f"{NAMESPACE}.svc.cluster.local"
_SERVER = re.compile(r"server (?P<name>\S+) (?P<host>[a-z0-9.-]+):8001 id (?P<id>\d+) port 8003 ")


def variables(objects: tuple[Object, ...], role: str) -> dict[str, str]:
    """Of the second pod of a role."""
    (spec,) = (spec for component, spec in pods(objects) if component == role)
    fields = {"metadata.name": f"lc-{role}-2", "status.podIP": "10.244.1.7"}
    return environment(spec["containers"][0], fields)


def roles(objects: tuple[Object, ...]) -> list[str]:
    return [component for component, _ in pods(objects) if component in ROLES]


@pytest.mark.parametrize("example", NAMES)
def test_each_process_accepts_its_variables(example: str, tmp_path: Path) -> None:
    objects = render(example)
    for role in roles(objects):
        given = variables(objects, role)
        for name, value in given.items():
            if value.startswith("/secrets/"):
                given[name] = str(tmp_path / Path(value).name)
                Path(given[name]).write_text("k" * 64)
        config = READERS[role].from_env(given)
        assert config.service.id == f"lc-{role}-2"
        if role != "single":
            assert config.service.advertise_host == "10.244.1.7"


@pytest.mark.parametrize("example", NAMES)
def test_each_variable_is_one_that_is_documented(example: str) -> None:
    text = (CHECKOUT / "docs" / "operations.md").read_text()
    known = set(re.findall(r"`([A-Z][A-Z_]+)`", text)) | {"POD_NAME"}
    objects = render(example)
    for role in roles(objects):
        assert set(variables(objects, role)) <= known


def test_a_variable_for_all_yields_to_that_of_a_role() -> None:
    objects = render("trial", "--set", "env.LOG_LEVEL=debug", "--set", "node.env.LOG_LEVEL=error")
    assert variables(objects, "writer")["LOG_LEVEL"] == "debug"
    assert variables(objects, "node")["LOG_LEVEL"] == "error"


def test_nodes_without_zookeeper_know_the_writers() -> None:
    known = variables(render("jwt"), "node")["WRITER_ADDRESSES"].split(",")
    assert known == [f"lc-writer-{n}=lc-writer-{n}.lc-writer.{_DOMAIN}:8002" for n in (1, 2)]


@pytest.mark.parametrize("example", ["trial", "jwt", "single"])
def test_each_process_asks_all_pods_of_all_roles_for_its_map(example: str) -> None:
    objects = render(example)
    ours = [role for role, _ in pods(objects) if role in ROLES]
    services = of_kind(objects, "Service")
    for role in ours:
        asked = variables(objects, role)["OPS_PEERS"].split(",")
        assert sorted(asked) == sorted(f"lc-{other}.{_DOMAIN}:8003" for other in set(ours))
        ports = {port["name"]: port["port"] for port in services[role]["spec"]["ports"]}
        assert ports["ops"] == 8003
        assert services[role]["spec"]["clusterIP"] == "None", "a name for all pods"


def test_metrics_have_the_labels_that_the_rules_use() -> None:
    monitor = next(iter(of_kind(render("production"), "ServiceMonitor").values()))
    (endpoint,) = monitor["spec"]["endpoints"]
    labels = {one["targetLabel"]: one for one in endpoint["relabelings"]}
    assert labels["job"]["replacement"] == "livecomments"
    assert set(labels) == {"job", "role", "instance"}


def mounts(objects: tuple[Object, ...], role: str) -> set[str]:
    """Files that its volumes bring, by their whole path."""
    (spec,) = (spec for component, spec in pods(objects) if component == role)
    places = {m["name"]: m["mountPath"] for m in spec["containers"][0]["volumeMounts"]}
    return {
        f"{places[volume['name']]}/{item['path']}"
        for volume in spec["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
        for item in source["secret"]["items"]
    }


@pytest.mark.parametrize("example", NAMES)
def test_each_file_that_a_variable_names_is_mounted(example: str) -> None:
    objects = render(example)
    for role in roles(objects):
        named = {v for v in variables(objects, role).values() if v.startswith("/secrets/")}
        brought = {path for path in mounts(objects, role) if path.startswith("/secrets/")}
        assert named == brought


def test_each_pod_finds_its_own_certificate_in_secrets() -> None:
    objects = render("jwt")
    for role, slots in (("writer", 8), ("node", 16)):
        folder = variables(objects, role)["TLS_DIR"]
        assert folder == f"/tls/lc-{role}-2"
        found = {path for path in mounts(objects, role) if path.startswith(f"{folder}/")}
        assert found == {f"{folder}/{name}.pem" for name in ("ca", "cert", "key")}
        (spec,) = (spec for component, spec in pods(objects) if component == role)
        (tls,) = (volume for volume in spec["volumes"] if volume["name"] == "tls")
        secrets = [source["secret"] for source in tls["projected"]["sources"]]
        assert [s["name"] for s in secrets] == [f"lc-{role}-{n}-tls" for n in range(1, slots + 1)]
        assert all(secret["optional"] for secret in secrets)


def test_the_csi_driver_is_asked_for_the_names_that_others_check() -> None:
    for component, spec in pods(render("production")):
        if component in ROLES:
            (tls,) = (volume for volume in spec["volumes"] if volume["name"] == "tls")
            asked = tls["csi"]["volumeAttributes"]
            prefix = "csi.cert-manager.io"
            assert asked[f"{prefix}/uri-sans"] == f"livecomments://{component}/${{POD_NAME}}"
            assert asked[f"{prefix}/dns-names"] == (
                f"${{POD_NAME}}.{component}.livecomments.internal"
            )
            assert all(isinstance(value, str) for value in asked.values())


def test_only_writers_have_the_role_that_may_use_the_table() -> None:
    accounts = {
        component: spec.get("serviceAccountName") for component, spec in pods(render("dynamodb"))
    }
    assert {name for name, account in accounts.items() if account} == {"writer"}
    assert accounts["writer"] == "livecomments-writer"


def test_credentials_of_a_secret_are_a_file_that_the_sdk_reads() -> None:
    store = "store.dynamodb."
    objects = render(
        "dynamodb", "--set", f"{store}serviceAccount=,{store}credentialsSecret.name=lc-aws"
    )
    path = variables(objects, "writer")["AWS_SHARED_CREDENTIALS_FILE"]
    assert path in mounts(objects, "writer")
    assert path not in mounts(objects, "node")


def test_only_the_first_container_sees_the_key_of_the_development_ca() -> None:
    for component, spec in pods(render("trial")):
        for container in spec["containers"]:
            names = [mount["name"] for mount in container.get("volumeMounts", [])]
            assert "ca" not in names, component


def test_certificates_of_the_development_ca_are_good(tmp_path: Path) -> None:
    """Helm makes the CA, and our command in each pod a certificate of it."""
    data = of_kind(render("trial"), "Secret")["development-ca"]["data"]
    (tmp_path / "ca").mkdir()
    for name, value in data.items():
        (tmp_path / "ca" / name).write_bytes(base64.b64decode(value))
    (made,) = make_certificates(tmp_path, read_wanted(["node/lc-node-1"]))
    assert made.new
    assert (tmp_path / "ca" / "ca.pem").read_bytes() == base64.b64decode(data["ca.pem"])
    files = TlsFiles(made.folder, (Role.NODE, "lc-node-1"))
    assert files.problem is None
    assert files.days_left > 300


def gateway_files(objects: tuple[Object, ...], folder: Path) -> str:
    """The configuration that the gateway's first container writes."""
    spec = of_kind(objects, "Deployment")["gateway"]["spec"]["template"]["spec"]
    (step,) = (each for each in spec["initContainers"] if each["name"] == "configuration")
    haproxy_container = next(each for each in spec["containers"] if each["name"] == "haproxy")
    assert haproxy_container["command"] == ["haproxy", "-db", "-f", "/gateway/haproxy.cfg"]
    given = {"/gateway": str(folder), "--memory-mib=$(GATEWAY_MIB)": "--memory-mib=768"}
    words = [given.get(word, word) for word in step["args"]]
    command = [sys.executable, "-m", *words]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    return (folder / "haproxy.cfg").read_text()


@pytest.mark.parametrize("example", NAMES)
def test_the_gateway_looks_for_each_pod_by_its_name_and_number(
    example: str, tmp_path: Path
) -> None:
    objects = render(example)
    found = _SERVER.finditer(gateway_files(objects, tmp_path))
    hosts = {match["name"]: (match["host"], match["id"]) for match in found}
    for kind, role in (("node", "node"), ("writer", "writer")):
        role = "single" if example == "single" else role
        of_role = {name: at for name, at in hosts.items() if name.startswith(f"{kind}-")}
        assert of_role
        for name, (host, number) in of_role.items():
            assert name == f"{kind}-{number}"
            assert host == f"lc-{role}-{number}.lc-{role}.{_DOMAIN}"
        statefulset = of_kind(objects, "StatefulSet")[role]["spec"]
        assert len(of_role) >= statefulset.get("replicas", 1)


@pytest.mark.skipif(haproxy.find_haproxy() is None, reason="no HAProxy")
@pytest.mark.parametrize("joined", [True, False])
def test_haproxy_accepts_the_configuration_and_the_certificate(
    tmp_path: Path, *, joined: bool
) -> None:
    """A Secret of Kubernetes has certificate and key in two files."""
    text = gateway_files(render("trial" if joined else "jwt"), tmp_path)
    (certificate,) = re.findall(r"ssl crt (\S+)", text)
    issued = DevelopmentCa.new().issue_gateway()
    mine = tmp_path / "gateway.pem"
    if joined:
        mine.write_bytes(issued.cert_pem + issued.key_pem)
    else:
        mine.write_bytes(issued.cert_pem)
        mine.with_name("gateway.pem.key").write_bytes(issued.key_pem)
    config = tmp_path / "haproxy.cfg"
    config.write_text(text.replace(certificate, str(mine)))
    command = [*haproxy.command(config), "-c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


REFUSED = {
    "store.cassandra.contactPoints": ("jwt", "store.cassandra.contactPoints=null"),
    "set writer.replicas=1": ("trial", "writer.replicas=2"),
    "store.dynamodb.region": ("dynamodb", "store.dynamodb.region="),
    "give serviceAccount or": ("dynamodb", "store.dynamodb.credentialsSecret.name=x"),
    "zookeeper: name your servers": ("trial", "zookeeper.builtIn.enabled=false"),
    "redis: give url": ("broadcast", "redis.url="),
    "lets anybody post": ("trial", "auth.allowAnonymous=false"),
    "needs auth.jwks.url": ("production", "auth.jwks.url="),
    "auth.jwks needs auth.issuer": ("production", "auth.issuer="),
    "needs auth.jwks and reading": ("jwt", "reading.ticketKeySecret.name="),
    "needs tls.csi.issuerName": ("production", "tls.csi.issuerName="),
    "gateway.tlsSecret": ("jwt", "gateway.tlsSecret="),
    "above node.slots": ("production", "node.autoscaling.maxReplicas=25"),
    "has nothing for writer,dispatcher,node": ("production", "networkPolicy.egress.enabled=true"),
    "topology": ("trial", "topology=star"),
    "nodes": ("trial", "nodes.replicas=2"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_work_is_refused_before_it_is_installed(reason: str) -> None:
    example, change = REFUSED[reason]
    assert reason in refuse(example, "--set", change)


def test_a_digest_counts_more_than_a_tag() -> None:
    for component, spec in pods(render("production")):
        if component in ROLES:
            assert spec["containers"][0]["image"].startswith(
                "registry.example/livecomments@sha256:"
            )


def test_what_scales_itself_has_no_number() -> None:
    objects = render("production")
    assert "replicas" not in of_kind(objects, "StatefulSet")["node"]["spec"]
    scaler = of_kind(objects, "HorizontalPodAutoscaler")["node"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == "lc-node"
    assert scaler["metrics"][0]["pods"]["metric"] == {"name": "livecomments_viewers"}


def test_what_is_not_asked_for_is_not_there() -> None:
    kinds = {each["kind"] for each in render("jwt")}
    assert not kinds & {"HorizontalPodAutoscaler", "ServiceMonitor", "Ingress"}


def test_a_role_that_is_held_keeps_its_pods() -> None:
    objects = render("trial", "--set", "writer.hold=true")
    sets = of_kind(objects, "StatefulSet")
    assert sets["writer"]["spec"]["updateStrategy"]["rollingUpdate"]["partition"] > 1_000
    assert "updateStrategy" not in sets["node"]["spec"]


def test_the_gateway_takes_what_fits_into_its_memory(tmp_path: Path) -> None:
    text = gateway_files(render("trial"), tmp_path)
    (most,) = re.findall(r"^    maxconn (\d+)$", text, re.MULTILINE)
    assert int(most) <= (768 - 64) * 16
