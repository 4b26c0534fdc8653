"""What `deploy/` says of a witness is what the code says: command, port, addresses, one process, no more rights."""

from __future__ import annotations

import re
from typing import Any

from comity.witness import DEFAULT_PORT
from shared.audit.witness_protocol import ADD_CHECKPOINT
from tests.unit.deploy.deployed import DEPLOY, command_exists, container, image_environment, of_kind
from tests.unit.deploy.kustomize import Document, load_documents, render

COMPOSED: Document = load_documents(DEPLOY / "witness.yaml")[0]
WITNESS: Document = COMPOSED["services"]["witness"]
RENDERED = tuple(render(DEPLOY / "kubernetes" / "witness"))
DEPLOYMENT = of_kind(RENDERED, "Deployment")["witness"]
PLACE = "/var/lib/comity"


def options() -> set[str]:
    """The variables that the command reads."""
    return set(re.findall(r'envvar="(\w+)"', (DEPLOY.parent / "comity" / "witness.py").read_text(encoding="utf-8")))


def environment_of(one: Document) -> dict[str, str]:
    return {each["name"]: each["value"] for each in one["env"]}


def test_it_runs_a_command_that_exists_on_the_port_where_it_is_asked() -> None:
    words = [*WITNESS["entrypoint"], *WITNESS["command"]]
    pod = container(DEPLOYMENT)
    assert words == [*pod["command"], *pod["args"]] == ["comity", "witness", "serve"]
    assert command_exists(words)
    assert WITNESS["healthcheck"]["test"][-1] == f"http://127.0.0.1:{DEFAULT_PORT}/readyz"
    assert WITNESS["ports"] == [f"${{COMITY_PUBLISH:-127.0.0.1:{DEFAULT_PORT}}}:{DEFAULT_PORT}"]
    assert pod["ports"] == [{"name": "http", "containerPort": DEFAULT_PORT}]
    assert of_kind(RENDERED, "Service")["witness"]["spec"]["ports"][0]["port"] == DEFAULT_PORT


def test_every_variable_is_one_that_the_command_reads() -> None:
    for given in (WITNESS["environment"], environment_of(container(DEPLOYMENT))):
        assert set(given) - {"NAME"} <= options()
        assert given["COMITY_WITNESS_DATA"] == PLACE == image_environment()["COMITY_STATE"]
        assert given["COMITY_WITNESS_HOST"] == "0.0.0.0"  # noqa: S104 - inside its container


def test_its_memory_is_one_volume_and_never_two_processes() -> None:
    assert WITNESS["volumes"] == [f"witness:{PLACE}"]
    assert (DEPLOYMENT["spec"]["replicas"], DEPLOYMENT["spec"]["strategy"]["type"]) == (1, "Recreate")
    mounts = {one["mountPath"]: one["name"] for one in container(DEPLOYMENT)["volumeMounts"]}
    assert mounts[PLACE] == "state"


def test_it_can_do_little_and_calls_nobody() -> None:
    assert (WITNESS["read_only"], WITNESS["cap_drop"], WITNESS["user"]) == (True, ["ALL"], "10001:10001")
    spec = DEPLOYMENT["spec"]["template"]["spec"]
    assert (spec["securityContext"]["runAsNonRoot"], spec["automountServiceAccountToken"]) == (True, False)
    every: list[Any] = [*spec["containers"], *spec["initContainers"]]
    for one in every:
        assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert one["securityContext"]["readOnlyRootFilesystem"] is True
        assert one["image"].partition(":")[0] == "comity"
    policy = of_kind(RENDERED, "NetworkPolicy")["witness"]["spec"]
    assert (policy["policyTypes"], "egress" in policy) == (["Ingress", "Egress"], False)


def test_the_proxy_before_it_is_told_its_addresses() -> None:
    for file in ("witness.yaml", "kubernetes/witness/witness.yaml"):
        assert f"passes on /{ADD_CHECKPOINT} and" in (DEPLOY / file).read_text(encoding="utf-8").replace("\n# ", " ")
