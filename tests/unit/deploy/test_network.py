"""Who may speak to whom in the cluster: nobody, and then exactly the edges that the code needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest

from shared.contracts.topology import SERVICES
from shared.runtime.settings import DEFAULT_PORTS
from tests.unit.deploy.deployed import OVERLAYS, of_kind, overlay
from tests.unit.deploy.kustomize import Document

Labels = dict[str, str]
SERVERS: dict[str, Labels] = {
    "postgres": {"cnpg.io/cluster": "comity-postgres"},
    "rabbitmq": {"app.kubernetes.io/name": "comity-rabbitmq", "app.kubernetes.io/component": "rabbitmq"},
}
"""The labels that their operators give to the servers' pods."""
PODS = (*SERVICES, "migrate", *SERVERS)
STRANGERS = {
    "edge": ({"comity/edge": "true"}, {}),
    "monitoring": ({"comity/monitoring": "true"}, {}),
    "database operator": ({"kubernetes.io/metadata.name": "cnpg-system"}, {"app.kubernetes.io/name": "cloudnative-pg"}),
    "names": ({"kubernetes.io/metadata.name": "kube-system"}, {"k8s-app": "kube-dns"}),
    "anybody else": ({"kubernetes.io/metadata.name": "default"}, {"app.kubernetes.io/name": "comity"}),
}
"""Pods of other namespaces: the labels of the namespace, and theirs."""
HERE = {"kubernetes.io/metadata.name": "comity"}
API_OF_THE_CLUSTER = {443, 6443}
CLUSTERING = {4369, 25672, *range(35672, 35683)}
PORTS = {53, 5432, 5671, 5672, 8000, 8080, 9187, 15672, 15691, 15692, 22, *DEFAULT_PORTS.values()}
PORTS |= API_OF_THE_CLUSTER | CLUSTERING


def expected_within() -> set[tuple[str, str, int]]:
    """From what the code does: every process that serves calls both servers, the migration its database."""
    edges = {(name, server, port) for name in SERVICES for server, port in (("postgres", 5432), ("rabbitmq", 5671))}
    edges.add(("migrate", "postgres", 5432))
    edges |= {("postgres", "postgres", port) for port in (5432, 8000)}
    return edges | {("rabbitmq", "rabbitmq", port) for port in CLUSTERING}


def expected_from_outside() -> set[tuple[str, str, int]]:
    edges = {("edge", "gateway", DEFAULT_PORTS["gateway"])}
    edges |= {("monitoring", name, DEFAULT_PORTS[name]) for name in SERVICES}
    edges |= {("monitoring", "postgres", 9187), ("monitoring", "rabbitmq", 15691)}
    return edges | {("database operator", "postgres", port) for port in (5432, 8000)}


def policies(where: str) -> list[Document]:
    return [policy["spec"] for policy in of_kind(overlay(where), "NetworkPolicy").values()]


def labels_of(where: str, pod: str) -> Labels:
    if pod in SERVERS:
        return SERVERS[pod]
    workload = of_kind(overlay(where), "Job" if pod == "migrate" else "Deployment")[pod]
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def selects(selector: Document, labels: Labels) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        wanted = wanted and labels.get(expression["key"]) in expression["values"]
    return bool(wanted)


def may(where: str, direction: str, pod: str, peer: tuple[Labels, Labels], port: int) -> bool:
    """Whether this pod's policies let it speak so with a peer, known by its namespace's labels and its own."""
    chosen = [policy for policy in policies(where) if selects(policy["podSelector"], labels_of(where, pod))]
    assert any(direction in policy["policyTypes"] for policy in chosen), f"{pod} is not confined"
    side = "to" if direction == "Egress" else "from"
    return any(
        _has_port(rule.get("ports"), port, DEFAULT_PORTS.get(pod))
        and (side not in rule or any(_is_peer(one, peer) for one in rule[side]))
        for policy in chosen
        for rule in policy.get(direction.lower(), [])
    )


def _has_port(ports: Iterable[Document] | None, port: int, http: int | None) -> bool:
    """`http` is what the pod calls its port of that name."""
    if ports is None:
        return True
    numbered = [{**one, "port": http} if one["port"] == "http" else one for one in ports]
    return any(one["port"] <= port <= one.get("endPort", one["port"]) for one in numbered)


def _is_peer(allowed: Document, peer: tuple[Labels, Labels]) -> bool:
    namespace, labels = peer
    in_namespace = (
        selects(allowed["namespaceSelector"], namespace) if "namespaceSelector" in allowed else namespace == HERE
    )
    return in_namespace and selects(allowed.get("podSelector", {}), labels)


@pytest.mark.parametrize("where", OVERLAYS)
def test_within_the_exchange_both_ends_allow_what_the_code_needs_and_nothing_else(where: str) -> None:
    allowed = {
        (one, other, port)
        for one, other in itertools.product(PODS, PODS)
        for port in PORTS - API_OF_THE_CLUSTER
        if may(where, "Egress", one, (HERE, labels_of(where, other)), port)
        and may(where, "Ingress", other, (HERE, labels_of(where, one)), port)
    }
    assert allowed == expected_within()


@pytest.mark.parametrize("where", OVERLAYS)
def test_from_outside_only_the_gateway_is_called_and_monitoring_and_the_operator_come_in(where: str) -> None:
    allowed = {
        (stranger, pod, port)
        for stranger, pod, port in itertools.product(STRANGERS, PODS, PORTS)
        if may(where, "Ingress", pod, STRANGERS[stranger], port)
    }
    assert allowed == expected_from_outside()


@pytest.mark.parametrize("where", OVERLAYS)
def test_nothing_leaves_but_questions_for_names_for_who_leads_the_database_and_to_witnesses(where: str) -> None:
    allowed = {
        (pod, stranger, port)
        for pod, stranger, port in itertools.product(PODS, STRANGERS, PORTS)
        if may(where, "Egress", pod, STRANGERS[stranger], port)
    }
    names = {(pod, "names", 53) for pod in PODS}
    # A policy cannot name the cluster's API: any address, on its two ports.
    leads = {("postgres", stranger, port) for stranger in STRANGERS for port in API_OF_THE_CLUSTER}
    # Nor a witness's host: any address, by HTTPS.
    witnesses = {("ledger", stranger, 443) for stranger in STRANGERS}
    assert allowed == names | leads | witnesses
