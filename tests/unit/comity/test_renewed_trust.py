"""The exchange's keys are changed by people: who is handed the new trust file sees what changed and what is lost."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from comity.main import app
from shared.adapters.head_memory import FileHeadMemory
from shared.adapters.keyfiles import init_exchange, load_log_signers, load_roster, load_trust
from shared.adapters.renewed_keys import announce_log, renew_services
from shared.audit.checkpoint import encode_checkpoint
from shared.audit.leaves import encode_entry, encode_leaf
from shared.audit.proofs import TlogProof, encode_proof
from shared.audit.tiles import TileHashReader, build_tiles
from shared.audit.tree import hash_leaf, prove_inclusion
from shared.audit.tree_head import TreeHead
from shared.domain.ids import encode_time
from shared.keys.private import generate_ed25519
from shared.keys.roster import Roster
from shared.keys.trust import encode_trust
from shared.ports.ledger import KeptHead
from tests.exchange_process import now
from witness.keys import init_witness

OPERATORS = [generate_ed25519()]
runner = CliRunner()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of an exchange whose trust file this home has imported."""
    monkeypatch.setenv("COMITY_HOME", str(tmp_path / "home"))
    made = tmp_path / "data"
    made.mkdir()
    init_exchange(made, "comity.test/log", OPERATORS, 1, now(), "development")
    assert comity("trust", "import", str(made / "trust.json"), "--yes").exit_code == 0
    return made


def comity(*arguments: str) -> Result:
    return runner.invoke(app, list(arguments))


def document_of(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def announced(data: Path) -> str:
    """New keys of the log are announced, by the roster in the last of seven entries: the proof of that."""
    return proof_of(data, announce_log(data, OPERATORS, now() + timedelta(seconds=1)))


def proof_of(data: Path, roster: Roster) -> str:
    trust = load_trust(data)
    fields = {"roster_sha256": roster.digest, "document": json.loads(roster.signed)}
    leaves = [encode_leaf("directory.roster", now(), bytes([at]) * 16, **fields) for at in range(7)]
    entries = [encode_entry(now(), leaf) for leaf in leaves]
    made = build_tiles(0, [hash_leaf(one) for one in entries], lambda tile: b"")
    note = encode_checkpoint(TreeHead(trust.origin, 7, made.root), *load_log_signers(data, trust))
    hashes = prove_inclusion(6, 7, TileHashReader(7, made.tiles.__getitem__))
    file = data.parent / f"{roster.digest}.tlog-proof"
    file.write_bytes(encode_proof(TlogProof(6, tuple(hashes), note, entries[6])))
    return str(file)


def renew_log(data: Path, proof: str, *more: str, size: int = 7) -> Result:
    return comity("operator", "renew-log", "--data", str(data), "--announced", proof, "--size", str(size), *more)


def test_new_keys_of_the_log_are_made_shown_and_imported(data: Path) -> None:
    before = load_trust(data)
    told = document_of(renew_log(data, announced(data), "--json"))
    trust = load_trust(data)
    assert told["log_vkeys"] == list(trust.log_vkeys) != list(before.log_vkeys)
    file = str(data / "trust.json")
    assert comity("trust", "import", file, "--yes").exit_code == 2, "not without --replace"
    imported = document_of(comity("trust", "import", file, "--yes", "--replace", "--json"))
    assert imported["former_log_keys"] == [{"vkeys": list(before.log_vkeys), "size": 7}]
    assert imported["forgotten_keys"] == []
    assert "up to 7 entries" in comity("trust", "show").stdout


def test_a_gateways_key_of_before_is_shown_with_its_end(data: Path) -> None:
    renew_services(data, {"gateway"}, OPERATORS, now())
    [former] = load_trust(data).former_receipt_keys
    imported = comity("trust", "import", str(data / "trust.json"), "--yes", "--replace")
    assert "do not verify" not in imported.stdout
    assert f"until {encode_time(former.until)}" in comity("trust", "show").stdout


def test_a_trust_file_that_forgets_keys_says_what_will_not_verify(data: Path, tmp_path: Path) -> None:
    assert renew_log(data, announced(data)).exit_code == 0
    forgetful = tmp_path / "forgetful.json"
    forgetful.write_bytes(encode_trust(replace(load_trust(data), former_log_keys=())))
    refused = runner.invoke(app, ["trust", "import", str(forgetful), "--replace"], input="n\n")
    assert refused.exit_code == 1
    assert "The keys of the ledger that were trusted here are not in this file" in refused.stdout
    imported = document_of(comity("trust", "import", str(forgetful), "--yes", "--replace", "--json"))
    assert imported["forgotten_keys"] == ["the ledger"]


def test_a_full_disk_leaves_the_trust_file_of_before(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew_services(data, {"gateway"}, OPERATORS, now())
    kept = tmp_path / "home" / "trust.json"
    before = kept.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        refused = comity("trust", "import", str(data / "trust.json"), "--yes", "--replace")
    assert (refused.exit_code, "No space left" in refused.stderr, kept.read_bytes() == before) == (2, True, True)


def test_the_size_that_the_log_had_must_be_known(data: Path) -> None:
    before, proof = (data / "trust.json").read_bytes(), announced(data)
    unknown = comity("operator", "renew-log", "--data", str(data), "--announced", proof)
    assert (unknown.exit_code, "--size" in unknown.stderr) == (2, True)
    asyncio.run(FileHeadMemory(data, "comity.test/log").keep(KeptHead(9, b"r" * 32), None))
    behind = renew_log(data, proof, size=8)
    assert (behind.exit_code, "9 entries were signed already" in behind.stderr) == (2, True)
    assert (data / "trust.json").read_bytes() == before


def test_what_the_ledger_was_not_told_is_not_taken_into_use(data: Path, tmp_path: Path) -> None:
    before = load_roster(data, load_trust(data))
    no_news = renew_log(data, proof_of(data, before))
    assert (no_news.exit_code, "announces no new keys" in no_news.stderr) == (2, True)
    told = announced(data)
    other = renew_log(data, proof_of(data, before))
    assert (other.exit_code, "does not tell the roster" in other.stderr) == (2, True)
    beyond = renew_log(data, told, size=6)
    assert (beyond.exit_code, "proves entry 6" in beyond.stderr) == (2, True)
    changed = tmp_path / "changed.tlog-proof"
    changed.write_bytes(Path(told).read_bytes().replace(b"index 6", b"index 5"))
    assert renew_log(data, str(changed)).exit_code != 0
    assert renew_log(data, told).exit_code == 0


def test_a_witness_goes_on_under_the_keys_that_the_new_file_names(data: Path, tmp_path: Path) -> None:
    init_witness(tmp_path / "witness", "witness.test/w1")
    place, file = ["--data", str(tmp_path / "witness")], str(data / "trust.json")
    assert comity("witness", "add", file, *place).exit_code == 0
    assert "does not say that the keys" in comity("witness", "renew", file, *place).stderr
    assert renew_log(data, announced(data)).exit_code == 0
    assert document_of(comity("witness", "renew", file, *place, "--json")) == {"origin": "comity.test/log", "size": 0}
    assert "are not those that were changed" in comity("witness", "renew", file, *place).stderr
