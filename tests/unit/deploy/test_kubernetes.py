"""The Kubernetes manifests say what the code says: commands, ports, settings, probes, names; and no secret."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from shared.adapters.directory_memory import KEEPERS
from shared.contracts.topology import CONSUMER, QUEUES, SERVICES
from shared.runtime.settings import DEFAULT_PORTS, Settings
from tests.unit.deploy.deployed import (
    DEPLOY,
    OVERLAYS,
    PREFIX,
    command_exists,
    container,
    entrypoint,
    gateway_paths,
    image_environment,
    of_kind,
    overlay,
    pod,
    service_paths,
)
from tests.unit.deploy.kustomize import Document, load_documents

SECRET_FILES = {"comity_database", "comity_broker"}


def deployment(name: str) -> Document:
    return of_kind(overlay("production"), "Deployment")[name]


def workloads(where: str) -> list[Document]:
    return [document for document in overlay(where) if document["kind"] in ("Deployment", "Job")]


def mounted(document: Document, mount: str) -> dict[str, tuple[str, str]]:
    """Path below this mount → the name of the Secret or ConfigMap that it comes from, and its key there."""
    volume = next(one["name"] for one in container(document)["volumeMounts"] if one["mountPath"] == mount)
    found = next(one for one in pod(document)["volumes"] if one["name"] == volume)
    sources = found["projected"]["sources"] if "projected" in found else [{"secret": found["secret"]}]
    return {
        item["path"]: (given.get("name") or given["secretName"], item["key"])
        for source in sources
        for given in source.values()
        for item in given["items"]
    }


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("where", OVERLAYS)
def test_these_tests_read_what_kustomize_would_apply(where: str) -> None:
    command = ["kubectl", "kustomize", str(DEPLOY / "kubernetes" / where)]
    real = yaml.safe_load_all(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    def told(documents: Any) -> dict[tuple[str, str], Any]:
        return {(document["kind"], document["metadata"]["name"]): _in_any_order(document) for document in documents}

    assert told(real) == told(overlay(where))


def _in_any_order(value: Any) -> Any:
    """Patches put what they add at different ends of a list."""
    if isinstance(value, dict):
        return {key: _in_any_order(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_in_any_order(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


@pytest.mark.parametrize("where", OVERLAYS)
def test_every_service_of_the_code_is_a_deployment_and_nothing_else_is(where: str) -> None:
    assert set(of_kind(overlay(where), "Deployment")) == set(SERVICES)
    assert set(of_kind(overlay(where), "Service")) == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_pod_runs_its_service_by_a_command_that_exists(name: str) -> None:
    words = [*container(deployment(name)).get("command", entrypoint()), *container(deployment(name))["args"]]
    assert words == ["comity", "serve", name]
    assert command_exists(words)


def test_the_migration_is_a_command_that_exists() -> None:
    assert command_exists(container(of_kind(overlay("production"), "Job")["migrate"])["command"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_pod_is_asked_on_the_port_and_paths_where_its_service_answers(name: str) -> None:
    running = container(deployment(name))
    assert running["ports"] == [{"name": "http", "containerPort": DEFAULT_PORTS[name]}]
    asked = {kind: running[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {probe["port"] for probe in asked.values()} == {"http"}
    assert {kind: probe["path"] for kind, probe in asked.items()} == {
        "startup": "/livez",
        "liveness": "/livez",
        "readiness": "/readyz",
    }
    assert {"/livez", "/readyz", "/metrics"} <= (gateway_paths() if name == "gateway" else service_paths())
    (port,) = of_kind(overlay("production"), "Service")[name]["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (DEFAULT_PORTS[name], "http")


@pytest.mark.parametrize("where", OVERLAYS)
def test_every_variable_is_a_setting_and_none_is_a_secret(where: str) -> None:
    for document in workloads(where):
        for variable in container(document)["env"]:
            assert variable["name"].removeprefix("COMITY_").lower() in Settings.model_fields
            assert "secretKeyRef" not in variable.get("valueFrom", {})
            assert "://" not in variable.get("value", "")
    assert of_kind(overlay(where), "Secret") == {}


@pytest.mark.parametrize("name", SERVICES)
def test_a_pod_gets_its_own_keys_and_addresses_as_files_and_no_other_services(name: str) -> None:
    place = image_environment()["COMITY_DATA"]
    keys = {
        f"keys/{file}.json": (f"comity-{name}", f"{file}.json")
        for file in (name, *(["log"] if name == "ledger" else []))
    }
    files = mounted(deployment(name), place)
    assert {path: source for path, source in files.items() if path.startswith("keys/")} == keys
    assert {"trust.json", "roster.json"} <= set(files)
    assert mounted(deployment(name), image_environment()["COMITY_SECRETS"]) == {
        file: (f"comity-{name}", file) for file in SECRET_FILES
    }
    variables = {one["name"]: one.get("value", "") for one in container(deployment(name))["env"]}
    for server in ("DATABASE", "BROKER"):
        assert variables[f"COMITY_{server}_CA"].removeprefix(f"{place}/") in files


def test_the_ledgers_state_outlives_its_pod_and_that_of_gateway_and_intake_their_containers() -> None:
    claims = {
        name: [
            one["persistentVolumeClaim"]["claimName"]
            for one in pod(deployment(name))["volumes"]
            if "persistentVolumeClaim" in one
        ]
        for name in SERVICES
    }
    assert {name: claimed for name, claimed in claims.items() if claimed} == {"ledger": ["ledger-state"]}
    assert set(of_kind(overlay("production"), "PersistentVolumeClaim")) == {"ledger-state"}
    for name in (*KEEPERS, "ledger"):
        places = {one["name"]: one["mountPath"] for one in container(deployment(name))["volumeMounts"]}
        assert places["state"] == image_environment()["COMITY_STATE"]
    for name in KEEPERS:
        (state,) = [one for one in pod(deployment(name))["volumes"] if one["name"] == "state"]
        assert "emptyDir" in state


@pytest.mark.parametrize("where", OVERLAYS)
def test_every_pod_keeps_to_the_restricted_profile_and_has_no_token(where: str) -> None:
    (namespace,) = of_kind(overlay(where), "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for document in workloads(where):
        assert pod(document)["automountServiceAccountToken"] is False
        assert pod(document)["serviceAccountName"] == document["metadata"]["name"]
        assert pod(document)["securityContext"]["runAsNonRoot"] is True
        assert pod(document)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        confined = container(document)["securityContext"]
        assert confined == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container(document)["resources"]["limits"]
    accounts = of_kind(overlay(where), "ServiceAccount")
    assert set(accounts) == {*SERVICES, "migrate"}
    assert {account["automountServiceAccountToken"] for account in accounts.values()} == {False}


@pytest.mark.parametrize("name", SERVICES)
def test_a_pod_has_longer_to_stop_than_its_service_takes(name: str) -> None:
    assert pod(deployment(name))["terminationGracePeriodSeconds"] > 10


def test_there_is_one_ledger_and_the_old_one_is_gone_before_the_new_one_comes() -> None:
    assert deployment("ledger")["spec"]["replicas"] == 1
    assert deployment("ledger")["spec"]["strategy"] == {"type": "Recreate"}
    assert "ledger" not in of_kind(overlay("production"), "HorizontalPodAutoscaler")


def test_consumers_grow_with_their_own_queue_and_their_number_is_left_to_the_autoscaler() -> None:
    scalers = of_kind(overlay("production"), "HorizontalPodAutoscaler")
    assert set(scalers) == {"gateway", *QUEUES}
    prefix = Settings.model_fields["queue_prefix"].default
    for queue in QUEUES:
        (metric,) = scalers[CONSUMER[queue]]["spec"]["metrics"]
        assert metric["external"]["metric"]["selector"]["matchLabels"] == {"queue": f"{prefix}{queue}"}
    (rule,) = load_documents(DEPLOY / "kubernetes" / "monitoring" / "adapter.yaml")[0]["rules"]["external"]
    asked = {scalers[queue]["spec"]["metrics"][0]["external"]["metric"]["name"] for queue in QUEUES}
    assert asked == {rule["name"]["as"]}
    for name, scaler in scalers.items():
        assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        assert scaler["spec"]["minReplicas"] >= 2
        assert "replicas" not in deployment(name)["spec"]
        assert name in of_kind(overlay("production"), "PodDisruptionBudget")


def test_every_role_is_made_under_the_name_that_its_rights_are_granted_to() -> None:
    cluster = of_kind(overlay("production"), "Cluster")["comity-postgres"]["spec"]
    roles = {role["name"]: role["passwordSecret"]["name"] for role in cluster["managed"]["roles"]}
    assert roles == {f"{PREFIX}{name}": f"comity-database-{name}" for name in SERVICES}
    assert {role["login"] for role in cluster["managed"]["roles"]} == {True}
    assert cluster["bootstrap"]["initdb"]["owner"] == f"{PREFIX}owner"
    assert cluster["bootstrap"]["initdb"]["secret"] == {"name": "comity-database-owner"}
    made = [statement for statement in cluster["bootstrap"]["initdb"]["postInitSQL"] if "CREATE" in statement]
    assert made == [f"CREATE ROLE {PREFIX}{name}" for name in SERVICES]
    # What roles.sh says of the gateway's role beside its password is said here too.
    script = (DEPLOY / "postgres" / "roles.sh").read_text()
    assert set(re.findall(r'ALTER ROLE :"role" SET (.*);', script)) == {
        statement.removeprefix(f"ALTER ROLE {PREFIX}gateway SET ")
        for statement in cluster["bootstrap"]["initdb"]["postInitSQL"]
        if " SET " in statement
    }


def test_the_world_may_call_every_path_of_the_api_and_none_that_tells_of_the_inside() -> None:
    rule = of_kind(overlay("production"), "Ingress")["gateway"]["spec"]["rules"][0]
    allowed = [(path["path"], path["pathType"]) for path in rule["http"]["paths"]]

    def may(path: str) -> bool:
        return any(path == open_ or (kind == "Prefix" and path.startswith(f"{open_}/")) for open_, kind in allowed)

    inside = {"/livez", "/readyz", "/metrics"}
    assert {path for path in gateway_paths() if not may(path)} == inside


def test_both_servers_are_three_in_production_and_one_in_a_trial() -> None:
    for where, number in (("production", 3), ("trial", 1)):
        assert of_kind(overlay(where), "Cluster")["comity-postgres"]["spec"]["instances"] == number
        assert of_kind(overlay(where), "RabbitmqCluster")["comity-rabbitmq"]["spec"]["replicas"] == number
    assert of_kind(overlay("production"), "RabbitmqCluster")["comity-rabbitmq"]["spec"]["tls"]["disableNonTLSListeners"]


def test_the_cluster_is_watched_by_the_same_alerts_and_under_the_jobs_that_they_name() -> None:
    rules = of_kind(overlay("production"), "PrometheusRule")["comity"]["spec"]
    plain = load_documents(DEPLOY / "prometheus" / "alerts.yaml")[0]
    assert rules == plain, "make docs"
    monitors = of_kind(overlay("production"), "ServiceMonitor")
    labels = {name: one["metadata"]["labels"] for name, one in of_kind(overlay("production"), "Service").items()}
    ours = monitors["comity"]["spec"]
    for name in SERVICES:
        assert ours["selector"]["matchLabels"].items() <= labels[name].items()
        assert labels[name][ours["jobLabel"]] == "comity"
    # The broker's operator labels its service so.
    broker = {"app.kubernetes.io/name": "comity-rabbitmq", "app.kubernetes.io/component": "rabbitmq"}
    assert broker[monitors["comity-rabbitmq"]["spec"]["jobLabel"]] == "rabbitmq"
    named = set(re.findall(r'up\{job="(\w+)"\}', json.dumps(plain).replace("\\\\", "").replace('\\"', '"')))
    assert named == {"comity", "rabbitmq"}


def test_compose_and_kubernetes_run_the_same_broker_and_the_same_major_database() -> None:
    composed = load_documents(DEPLOY / "compose.yaml")[0]["services"]
    broker = of_kind(overlay("production"), "RabbitmqCluster")["comity-rabbitmq"]["spec"]["image"]
    assert broker.removesuffix("-management") in composed["rabbitmq"]["image"]
    database = of_kind(overlay("production"), "Cluster")["comity-postgres"]["spec"]["imageCatalogRef"]["major"]
    assert f"postgres:{database}-" in composed["postgres"]["image"]
