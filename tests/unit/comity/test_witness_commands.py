"""`comity witness`, and the operator's side of a witness policy, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from comity.main import app
from shared.adapters.keyfiles import TRUST_FILE, init_exchange, load_trust
from shared.keys.private import generate_ed25519
from tests.unit.client.stamping import local_authority
from tests.unit.witness.watching import NOW

NAME = "witness.example/w1"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    init_exchange(tmp_path / "x", "comity.test/log", [generate_ed25519()], 1, NOW, "development")
    return tmp_path / "x"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    made = json.loads(run("witness", "init", "--name", NAME, "--data", tmp_path / "w", "--json").stdout)
    file = tmp_path / "policy.txt"
    file.write_text(f"witness w1 {made['vkeys'][0]} https://witness.example/\nquorum w1\n")
    return file


def test_a_witness_is_made_told_of_a_ledger_and_shown(data: Path, policy: Path, tmp_path: Path) -> None:
    added = run("witness", "add", data / TRUST_FILE, "--data", tmp_path / "w")
    assert added.stdout == "comity.test/log is watched from 0 entries on\n"
    again = run("witness", "add", data / TRUST_FILE, "--data", tmp_path / "w")
    assert (again.exit_code, "is watched already" in again.output) == (2, True)
    shown = run("witness", "show", "--data", tmp_path / "w")
    assert NAME in shown.stdout
    assert "comity.test/log: 0 entries" in shown.stdout


def test_mistakes_are_told_in_a_sentence(policy: Path, tmp_path: Path) -> None:
    for arguments in (
        ("show", "--data", tmp_path / "nowhere"),
        ("add", tmp_path / "nothing.json", "--data", tmp_path / "w"),
        ("add", policy, "--data", tmp_path / "w"),
        ("add", "--vkey", "x+y+z", "--data", tmp_path / "w"),
        ("init", "--name", "a b", "--data", tmp_path / "v"),
        ("init", "--name", NAME, "--data", tmp_path / "w"),
        ("init", "--name", NAME, "--data", policy),
        ("serve", "--data", tmp_path / "nowhere", "--port", "0"),
        ("serve", "--data", tmp_path / "w", "--port", "80000"),
    ):
        result = run("witness", *arguments)
        assert result.exit_code in (1, 2, 4), arguments
        assert "Traceback" not in result.output
        assert "does not expect" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_trust_file_that_is_named_and_not_there_is_the_one_to_look_for(policy: Path, tmp_path: Path) -> None:
    """A witness has no home to import one into."""
    for command in ("add", "renew"):
        result = run("witness", command, tmp_path / "nothing.json", "--data", tmp_path / "w", "--json")
        said = json.loads(result.stdout)["error"]["sentence"]
        assert result.exit_code == 2
        assert f"the trust file {tmp_path / 'nothing.json'} cannot be read: No such file or directory" in said
        assert "comity trust import" not in said
    nowhere = run("trust", "show", "--home", tmp_path / "home")
    assert (nowhere.exit_code, "comity trust import" in nowhere.stderr) == (2, True)


def test_a_file_that_is_no_checkpoint_is_a_mistake_and_no_evidence(data: Path, policy: Path, tmp_path: Path) -> None:
    result = run("witness", "add", data / TRUST_FILE, "--checkpoint", policy, "--data", tmp_path / "w")
    assert result.exit_code == 2
    assert "is no checkpoint" in result.output
    assert "evidence" not in result.output


def test_an_operator_puts_another_policy_into_the_trust_file(data: Path, policy: Path, tmp_path: Path) -> None:
    result = run("operator", "witnesses", policy, "--data", data)
    assert result.exit_code == 0, result.output
    assert load_trust(data).witness_policy == policy.read_text()
    assert run("operator", "witnesses", "none", "--data", data).exit_code == 0
    assert load_trust(data).witness_policy == "none"


def test_an_operator_puts_root_certificates_for_time_stamps_into_the_trust_file(data: Path, tmp_path: Path) -> None:
    authority, before = local_authority(tmp_path / "tsa"), (data / TRUST_FILE).read_bytes()
    result = run("operator", "stamp-roots", authority.folder / "root.pem", "--data", data)
    assert result.exit_code == 0, result.output
    assert "CN=Root of time, SHA-256 " in result.stdout
    assert load_trust(data).stamp_roots == authority.roots.ders()
    after = (data / TRUST_FILE).read_bytes()
    for wrong in (tmp_path / "nothing.pem", authority.folder / "tsa.cnf"):
        assert run("operator", "stamp-roots", wrong, "--data", data).exit_code == 2
    many = [authority.folder / "root.pem"] * 9
    assert run("operator", "stamp-roots", *many, "--data", data).exit_code != 0
    assert (data / TRUST_FILE).read_bytes() == after != before


def test_a_policy_that_nobody_could_meet_is_not_put_there(data: Path, policy: Path, tmp_path: Path) -> None:
    good = policy.read_text()
    for bad in (
        good.replace(" https://witness.example/", ""),
        good.replace("quorum w1", "quorum w2"),
        good.replace(f"{NAME}+", "other.example+"),
        "",
    ):
        policy.write_text(bad)
        result = run("operator", "witnesses", policy, "--data", data)
        assert result.exit_code != 0, bad
        assert load_trust(data).witness_policy == "none"
    assert run("operator", "witnesses", tmp_path / "missing", "--data", data).exit_code == 2


def test_a_trust_file_tells_who_must_cosign(data: Path, policy: Path, tmp_path: Path) -> None:
    run("operator", "witnesses", policy, "--data", data)
    imported = run("trust", "import", data / TRUST_FILE, "--home", tmp_path / "home", "--yes")
    assert imported.exit_code == 0, imported.output
    assert "w1 must cosign the ledger" in run("trust", "show", "--home", tmp_path / "home").stdout
