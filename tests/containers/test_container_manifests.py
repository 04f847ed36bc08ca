"""The Kubernetes manifests and the compose file: valid by their schemas, and giving what docs/containers.md says."""

import importlib.util
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from tests_support.packages import ROOT

from lighthoused.configured import Flags, load

KUBERNETES = ROOT / "packaging/kubernetes"
COMPOSE = ROOT / "packaging/container/compose.yaml"
VERSIONS = ("1.28", "1.31", "1.37")
NEED = "pip install -r tests/containers/requirements.txt"

needs_schemas = pytest.mark.skipif(
    importlib.util.find_spec("kubernetes_validate") is None, reason=f"no kubernetes-validate: {NEED}"
)
FILES = ("namespace", "daemonset", "networkpolicy", "example/agent", "example/credentials")


def documents(text: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(text) if each]


@pytest.fixture(scope="module")
def built() -> list[dict[str, Any]]:
    """What `kubectl apply -k` would send."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl: apt-get install kubectl")
    done = subprocess.run(["kubectl", "kustomize", KUBERNETES], capture_output=True, text=True, check=False)
    if 'unknown field "labels"' in done.stderr:
        pytest.skip("this kubectl is older than 1.21")
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def raw() -> list[dict[str, Any]]:
    return [each for name in FILES for each in documents((KUBERNETES / f"{name}.yaml").read_text())]


def of_kind(found: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (one,) = [each for each in found if each["kind"] == kind]
    return one


def container_of(pod: dict[str, Any]) -> dict[str, Any]:
    (one,) = pod["containers"]
    return dict(one)


def refusal(manifest: dict[str, Any], version: str) -> str:
    """Why the schemas of this version of Kubernetes refuse a manifest, "" where they do not."""
    import kubernetes_validate

    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error)
    return ""


@needs_schemas
@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid_for(version: str) -> None:
    assert [refusal(each, version) for each in raw()] == [""] * len(raw())


@needs_schemas
def test_what_kustomize_makes_of_them_is_valid(built: list[dict[str, Any]]) -> None:
    assert [each["kind"] for each in built] == ["Namespace", "ConfigMap", "DaemonSet", "NetworkPolicy"]
    assert [refusal(each, VERSIONS[-1]) for each in built] == [""] * len(built)


@needs_schemas
def test_what_is_no_manifest_is_refused_by_these_schemas() -> None:
    daemons = of_kind(raw(), "DaemonSet")
    daemons["spec"]["template"]["spec"]["hostPid"] = True
    assert "hostPid" in refusal(daemons, VERSIONS[-1])


def test_only_who_mounts_is_privileged_and_is_no_root() -> None:
    pod = of_kind(raw(), "DaemonSet")["spec"]["template"]["spec"]
    daemon = container_of(pod)
    assert pod["hostPID"]
    assert daemon["securityContext"]["privileged"]
    assert daemon["securityContext"]["runAsUser"] == 10001
    (shared,) = [each for each in daemon["volumeMounts"] if each["name"] == "shared"]
    assert shared["mountPropagation"] == "Bidirectional"
    agent = documents((KUBERNETES / "example/agent.yaml").read_text())[0]["spec"]
    assert "privileged" not in container_of(agent)["securityContext"]
    assert container_of(agent)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    (seen,) = [each for each in container_of(agent)["volumeMounts"] if each["name"] == "lighthouse"]
    assert (seen["mountPath"], seen["mountPropagation"]) == (shared["mountPath"], "HostToContainer")


def test_the_configuration_is_one_and_fits_ports_and_probes() -> None:
    found = raw()
    config = load(Flags(config=str(KUBERNETES / "config.toml")), {"HOME": "/"}, uid=10001)
    image = load(Flags(config=str(ROOT / "packaging/container/config.toml")), {"HOME": "/"}, uid=10001)
    assert (config.rpc, config.mount, config.metrics) == (image.rpc, image.mount, image.metrics)
    assert config.metrics.everywhere
    daemon = container_of(of_kind(found, "DaemonSet")["spec"]["template"]["spec"])
    assert daemon["ports"] == [{"name": "metrics", "containerPort": config.metrics.port}]
    (ingress,) = of_kind(found, "NetworkPolicy")["spec"]["ingress"]
    assert ingress["ports"] == [{"protocol": "TCP", "port": config.metrics.port}]


def test_the_compose_file_gives_the_daemon_no_more_than_it_needs() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    daemon, agent = services["lighthoused"], services["agent"]
    assert (daemon["cap_drop"], daemon["cap_add"], daemon["devices"]) == (["ALL"], ["SYS_ADMIN"], ["/dev/fuse"])
    assert "privileged" not in daemon
    assert agent["cap_drop"] == ["ALL"]
    assert "cap_add" not in agent
    assert "devices" not in agent
