"""The image and the compose file say what the code says: commands, ports, settings, probes, names; and no secret."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.directory_memory import KEEPERS
from shared.contracts.topology import SERVICES
from shared.runtime.settings import DEFAULT_PORTS, Settings
from tests.unit.deploy.deployed import (
    DEPLOY,
    PREFIX,
    command_exists,
    compose,
    entrypoint,
    gateway_paths,
    image,
    image_environment,
    service_paths,
)

CONTAINERS = (*SERVICES, "migrate", "postgres", "rabbitmq")
STORES = {"postgres": 5432, "rabbitmq": 5671}
NOT_SUPPORTED = ("4.2.6", "4.3.0")
"""RabbitMQ versions that ask consumers for the right to declare."""


def service(name: str) -> dict[str, Any]:
    return dict(compose()["services"][name])


def secrets_of(name: str) -> dict[str, str]:
    """Target → the file on the host."""
    given = [
        {"source": one, "target": one} if isinstance(one, str) else one for one in service(name).get("secrets", [])
    ]
    return {one["target"]: compose()["secrets"][one["source"]]["file"] for one in given}


def test_every_service_of_the_code_is_a_container_and_nothing_else_is() -> None:
    assert set(compose()["services"]) == set(CONTAINERS)


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_runs_its_service_by_a_command_that_exists(name: str) -> None:
    words = [*service(name).get("entrypoint", entrypoint()), *service(name)["command"]]
    assert words == ["comity", "serve", name]
    assert command_exists(words)


def test_the_migration_is_a_command_that_exists_and_runs_before_every_service() -> None:
    assert command_exists([*service("migrate")["entrypoint"], *service("migrate")["command"]])
    for name in SERVICES:
        assert service(name)["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_asked_on_the_port_and_path_where_its_service_answers(name: str) -> None:
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/.*)", service(name)["healthcheck"]["test"][-1])
    assert found is not None
    assert int(found[1]) == DEFAULT_PORTS[name]
    assert found[2] == "/readyz"
    assert found[2] in (gateway_paths() if name == "gateway" else service_paths())


def test_only_the_gateway_is_published_and_only_on_this_machine() -> None:
    published = {name: container["ports"] for name, container in compose()["services"].items() if "ports" in container}
    assert published == {"gateway": [f"${{COMITY_PUBLISH:-127.0.0.1:8470}}:{DEFAULT_PORTS['gateway']}"]}
    outside = [name for name, network in compose()["networks"].items() if not (network or {}).get("internal")]
    assert outside == ["edge", "witnesses"]
    assert [name for name in CONTAINERS if "edge" in service(name)["networks"]] == ["gateway"]
    assert [name for name in CONTAINERS if "witnesses" in service(name)["networks"]] == ["ledger"], "it calls them"


def test_the_image_exposes_the_ports_where_services_answer() -> None:
    (exposed,) = re.findall(r"^EXPOSE (.*)$", image(), re.MULTILINE)
    assert [int(port) for port in exposed.split()] == sorted({DEFAULT_PORTS[name] for name in SERVICES})


def test_every_variable_is_a_setting() -> None:
    named = set(image_environment()) | {
        variable for container in compose()["services"].values() for variable in container.get("environment", {})
    }
    ours = {variable.removeprefix("COMITY_").lower() for variable in named if variable.startswith("COMITY_")}
    assert {"host", "data", "secrets", "public_url", "database_ca", "broker_ca"} <= ours
    assert ours - set(Settings.model_fields) == set()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_gets_its_own_secrets_as_files_and_no_other_services(name: str) -> None:
    given = secrets_of(name)
    keys = {
        f"{image_environment()['COMITY_DATA']}/keys/{file}.json"
        for file in (name, *(["log"] if name == "ledger" else []))
    }
    assert set(given) == {"comity_database", "comity_broker", *keys}
    assert {"comity_database", "comity_broker"} <= {f"comity_{setting}" for setting in Settings.model_fields}
    assert {Path(file).parent.name for file in given.values()} == {name}
    assert not any("/passwords/" in file for file in given.values())


def test_those_that_must_not_forget_have_a_volume_for_their_state() -> None:
    place = image_environment()["COMITY_STATE"]
    assert {name: service(name)["volumes"] for name in SERVICES if "volumes" in service(name)} == {
        name: [f"{name}:{place}"] for name in (*KEEPERS, "ledger")
    }
    assert {*KEEPERS, "ledger"} <= set(compose()["volumes"])
    assert f"install -d -o 10001 -g 10001 -m 0700 {place}" in image(), "a new volume gets the owner of what it covers"


def test_no_value_of_the_environment_is_a_secret() -> None:
    for name, container in compose()["services"].items():
        for variable, value in container.get("environment", {}).items():
            assert "://" not in value.replace("https://exchange.example", ""), (name, variable)
            is_told = re.search(r"PASS|SECRET|KEY|TOKEN", variable)
            assert is_told is None or variable.endswith("_FILE"), (name, variable)
    assert image_environment()["COMITY_SECRETS"] == "/run/secrets"


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_can_do_little_and_take_little(name: str) -> None:
    container = service(name)
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert "cap_add" not in container
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert int(container["user"].split(":")[0]) > 0
    assert set(container["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert container["restart"] == ("no" if name == "migrate" else "unless-stopped")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_longer_to_stop_than_it_takes(name: str) -> None:
    assert float(service(name)["stop_grace_period"].removesuffix("s")) > 10


def test_every_role_has_its_password_under_its_own_name() -> None:
    roles = {target: Path(file) for target, file in secrets_of("postgres").items() if target.startswith(PREFIX)}
    assert set(roles) == {f"{PREFIX}{name}" for name in ("owner", *SERVICES)}
    assert {target for target, file in roles.items() if file.parts[-3:] != ("passwords", "database", target)} == set()
    assert os.access(DEPLOY / "postgres" / "roles.sh", os.X_OK), "sourced instead, it would end the image's own script"


def test_a_container_is_on_the_networks_of_the_servers_that_its_service_calls_and_no_others() -> None:
    for name in SERVICES:
        assert {"database", "broker"} <= set(service(name)["networks"])
    assert service("migrate")["networks"] == service("postgres")["networks"] == ["database"]
    assert service("rabbitmq")["networks"] == ["broker"]


def test_the_servers_speak_tls_and_nothing_else() -> None:
    broker = (DEPLOY / "rabbitmq" / "rabbitmq.conf").read_text()
    assert re.search(r"^listeners\.tcp = none$", broker, re.MULTILINE)
    assert re.search(rf"^listeners\.ssl\.default = {STORES['rabbitmq']}$", broker, re.MULTILINE)
    rules = [
        line.split() for line in (DEPLOY / "postgres" / "pg_hba.conf").read_text().splitlines() if line[:1].isalpha()
    ]
    assert [rule for rule in rules if rule[0] not in ("local", "hostssl")] == []
    assert [rule[-1] for rule in rules if rule[0] == "hostssl"] == ["scram-sha-256"]
    assert [rule for rule in rules if rule[0] == "local"] == [["local", "all", "postgres", "peer"]]


def test_every_file_that_is_mounted_from_the_checkout_is_there() -> None:
    files = [one["file"] for kind in ("configs", "secrets") for one in compose()[kind].values()]
    assert [file for file in files if not file.startswith("${") and not (DEPLOY / file).is_file()] == []


def test_the_broker_is_of_a_version_that_serves_consumers_with_least_rights() -> None:
    (version,) = re.findall(r"rabbitmq:(\d+\.\d+\.\d+)", service("rabbitmq")["image"])
    assert version.startswith("4.")
    assert version not in NOT_SUPPORTED


def test_what_is_copied_into_the_image_is_what_the_wheel_is_made_of() -> None:
    allowed = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert {
        "pyproject.toml",
        "requirements",
        "README.md",
        "LICENSE",
        "comity",
        "witness",
        "migrations",
        "deploy",
    } <= allowed
    assert {"var", ".git", ".venv", "tests"} & allowed == set()
    assert [name for name in allowed if not (DEPLOY.parent / name).exists()] == []


def test_the_image_is_built_from_the_hash_pinned_locks_and_runs_as_nobody_in_particular() -> None:
    built, ran = image().split("\nFROM ")[1:]
    assert built.count("--require-hashes --only-binary=:all:") == 2
    assert "pip install" not in ran
    assert "apt-get" not in image()
    assert re.search(r"^USER 10001:10001$", ran, re.MULTILINE)
