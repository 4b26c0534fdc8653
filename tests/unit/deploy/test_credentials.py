"""The secret files of a deployment: all that is mounted is there, each service has only its own, nothing is remade."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.credentials import ADMINISTRATOR, CredentialsRefused, make_credentials
from shared.adapters.keyfiles import init_exchange, load_log_signers, load_roster, load_service_keys, load_trust
from shared.contracts.topology import SERVICES
from shared.keys.private import generate_ed25519
from shared.runtime.settings import load_settings
from tests.unit.deploy.deployed import PREFIX, compose, container, of_kind, overlay
from tests.unit.deploy.kustomize import Document

URL = "https://exchange.example"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("exchange")
    init_exchange(place, "deployed.example/log", [generate_ed25519()], 1, datetime.now(UTC), "development")
    return place


@pytest.fixture(scope="module")
def composed(exchange: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("compose")
    make_credentials("compose", exchange, place, URL)
    return place


@pytest.fixture(scope="module")
def clustered(exchange: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("kubernetes")
    make_credentials("kubernetes", exchange, place, URL)
    return place


def generated(place: Path) -> Document:
    return dict(json.loads((place / "kustomization.yaml").read_text()))


def keys_of(entry: Document) -> set[str]:
    """Under which keys a generated Secret or ConfigMap holds what."""
    files = {one.partition("=")[0] if "=" in one else Path(one).name for one in entry.get("files", [])}
    return files | {one.partition("=")[0] for one in entry.get("literals", [])}


def names_in(value: Any) -> set[str]:
    """Every Secret that a manifest refers to, by whichever field."""
    if isinstance(value, list):
        return {name for item in value for name in names_in(item)}
    if not isinstance(value, dict):
        return set()
    found = {name for item in value.values() for name in names_in(item)}
    for field in ("secret", "externalSecret", "passwordSecret"):
        if isinstance(value.get(field), dict) and "name" in value[field]:
            found.add(value[field]["name"])
    return found | ({value["secretName"]} if "secretName" in value else set())


def test_every_file_that_compose_mounts_from_the_deployment_is_made(composed: Path) -> None:
    mounted = [one["file"] for kind in ("configs", "secrets") for one in compose()[kind].values()]
    made = [composed / re.sub(r"^\$\{[^}]*\}/", "", file) for file in mounted if file.startswith("${")]
    assert len(made) > 20
    assert [file for file in made if not file.is_file()] == []
    assert f"COMITY_DEPLOYMENT={composed}\nCOMITY_PUBLIC_URL={URL}\n" == (composed / "compose.env").read_text()


def test_every_secret_that_a_manifest_names_is_made_and_holds_the_keys_that_are_mounted(clustered: Path) -> None:
    made = {entry["name"]: keys_of(entry) for entry in generated(clustered)["secretGenerator"]}
    by_operators = {"comity-postgres-ca", "exchange-tls"}
    named = {name for document in overlay("production") for name in names_in(document)}
    assert named - by_operators == set(made)
    for document in overlay("production"):
        if document["kind"] in ("Deployment", "Job"):
            volumes = document["spec"]["template"]["spec"]["volumes"]
            secrets = [one["secret"] for one in volumes if "secret" in one]
            secrets += [
                {"secretName": source["secret"]["name"], **source["secret"]}
                for one in volumes
                for source in one.get("projected", {}).get("sources", [])
                if "secret" in source
            ]
            for secret in secrets:
                wanted = {item["key"] for item in secret["items"]}
                assert secret["secretName"] in by_operators or wanted <= made[secret["secretName"]]
    files = {one.rpartition("=")[2] for entry in generated(clustered)["secretGenerator"] for one in entry["files"]}
    assert [file for file in files if not (clustered / file).is_file()] == []


def test_the_public_files_of_a_cluster_are_what_the_pods_mount(clustered: Path) -> None:
    (made,) = generated(clustered)["configMapGenerator"]
    assert keys_of(made) == {"trust.json", "roster.json", "public_url"}
    gateway = of_kind(overlay("production"), "Deployment")["gateway"]
    variables = {one["name"]: one.get("valueFrom") for one in container(gateway)["env"]}
    assert variables["COMITY_PUBLIC_URL"] == {"configMapKeyRef": {"name": made["name"], "key": "public_url"}}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_what_it_is_given_and_can_open_no_other_services_keys(
    service: str, composed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    (data / "keys").mkdir(parents=True)
    for file in ("trust.json", "roster.json"):
        shutil.copy(composed / file, data / file)
    for key in (composed / service).glob("*.json"):
        shutil.copy(key, data / "keys" / key.name)
    trust = load_trust(data)
    assert load_service_keys(data, service, load_roster(data, trust), are_mounted=True).service == service
    if service == "ledger":
        load_log_signers(data, trust, are_mounted=True)
    assert {file.name for file in (data / "keys").iterdir()} == {f"{service}.json"} | (
        {"log.json"} if service == "ledger" else set()
    )

    monkeypatch.setenv("COMITY_SECRETS", str(composed / service))
    settings = load_settings(data=data)
    password = (composed / "passwords" / "database" / f"{PREFIX}{service}").read_text()
    assert settings.database == f"postgresql+asyncpg://{PREFIX}{service}:{password}@postgres:5432/comity"
    assert settings.broker is not None
    assert settings.broker.startswith(f"amqps://{PREFIX}{service}:")
    assert password not in settings.broker, "who runs the broker would hold the database's password"


def test_the_broker_learns_only_hashes_and_only_a_clusters_has_an_administrator(
    composed: Path, clustered: Path
) -> None:
    for place, expected in ((composed, set()), (clustered, {ADMINISTRATOR})):
        text = (place / "rabbitmq" / "definitions.json").read_text()
        passwords = [file.read_text() for file in (place / "passwords").rglob("*") if file.is_file()]
        assert [password for password in passwords if password in text] == []
        users = {user["name"] for user in json.loads(text)["users"]}
        assert users == {f"{PREFIX}{service}" for service in SERVICES} | expected


def test_certificates_are_believed_for_the_names_that_services_call_and_their_authority_is_gone(
    composed: Path, clustered: Path
) -> None:
    for place, server, host in ((composed, "postgres", "postgres"), (clustered, "rabbitmq", "comity-rabbitmq")):
        context = ssl.create_default_context(cafile=place / "ca.pem")
        assert _is_believed(context, place / server, host)
        assert not _is_believed(context, place / server, "elsewhere")
        assert list(place.rglob("ca.key")) == []
        kind = "database" if server == "postgres" else "broker"
        assert f"@{host}:" in (place / "gateway" / f"comity_{kind}").read_text()


def _is_believed(client: ssl.SSLContext, place: Path, host: str) -> bool:
    """A handshake in memory: whether this client believes that this server is `host`."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(place / "tls.crt", place / "tls.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname=host)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (asking, answering):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return True


def test_the_directory_is_closed_and_its_files_can_be_read_by_whom_they_are_mounted_for(composed: Path) -> None:
    assert stat.S_IMODE(composed.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(file.stat().st_mode) for file in composed.rglob("*") if file.is_file()}
    assert modes == {0o444}


def test_a_second_run_changes_nothing_and_another_exchange_is_refused(
    exchange: Path, composed: Path, tmp_path: Path
) -> None:
    def all_files() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in composed.rglob("*") if file.is_file()}

    before = all_files()
    make_credentials("compose", exchange, composed, "https://other.example")
    assert all_files() == before
    other = tmp_path / "other"
    other.mkdir()
    init_exchange(other, "other.example/log", [generate_ed25519()], 1, datetime.now(UTC), "development")
    with pytest.raises(CredentialsRefused, match="another exchange"):
        make_credentials("compose", other, composed, URL)
    with pytest.raises(CredentialsRefused, match="comity operator init"):
        make_credentials("compose", tmp_path / "nothing", tmp_path / "out", URL)
