"""The four-country scenario, played as a user plays it, and what it leaves judged by others."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.audit.checkpoint import parse_checkpoint
from shared.audit.tiles import bundle_at, parse_bundle
from shared.keys.base64url import parse_b64u
from tests.interop.strangers import build_go_verifier, missing_go, verify_with_go

DEMO_TIMEOUT_S = 400


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that one run of `comity demo` left."""
    directory = tmp_path_factory.mktemp("demo") / "var"
    done = subprocess.run(
        [sys.executable, "-m", "comity.main", "demo", "--directory", str(directory)],
        capture_output=True,
        text=True,
        timeout=DEMO_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


def test_the_transcript_tells_every_step_and_what_became_of_it(played: Path) -> None:
    steps = json.loads((played / "transcript.json").read_text())
    kinds = [(step["who"], step["what"]) for step in steps]
    for step in [
        ("MA.PGR", "sends the letter"),
        ("FR.BEPI", "deliver-result"),
        ("BE.PF", "ask-information"),
        ("MA.PGR", "supply-information"),
        ("BE.PF", "deliver-result"),
        ("ES.SGCJI", "refuse"),
        ("MA.PGR", "close"),
        ("MA.PGR", "asks for preservation"),
        ("FR.BEPI", "preserve"),
        ("MA.PGR", "tie-request"),
        ("ES.SGCJI", "sends a letter"),
        ("MA.PGR", "deliver-result"),
        ("ES.SGCJI", "close"),
        ("MA.COUR", "verifies the ledger"),
    ]:
        assert step in kinds
    assert all(step["exit_code"] == 0 for step in steps)
    sent = next(step for step in steps if step["what"] == "sends the letter")
    assert sent["ids"].keys() == {"message", "dossier", "number"}
    assert sent["status"] == "accepted"


def test_the_three_legs_each_stand_under_their_own_convention(played: Path) -> None:
    accepted = [leaf for leaf in _leaves(played) if leaf["type"] == "decision.accepted"]
    opening = _header(accepted[0])
    assert {leg: basis["primary"] for leg, basis in opening["basis"].items()} == {
        "FR.BEPI": "ma-fr-2008",
        "BE.PF": "ma-be-1997",
        "ES.SGCJI": "ma-es-2009",
    }
    assert {basis["group"] for basis in opening["basis"].values()} == {"quadripartite"}


def test_the_ledger_is_verified_by_software_of_other_people(played: Path, tmp_path: Path) -> None:
    missing = missing_go()
    if missing:
        pytest.skip(missing)
    verified = verify_with_go(build_go_verifier(tmp_path), played / "ledger", played / "ledger.vkey")
    steps = json.loads((played / "transcript.json").read_text())
    assert verified.entries_proven == verified.size
    assert verified.size > len([step for step in steps if step["status"] == "accepted"])
    assert verified.signatures_verified == 1


def test_a_copy_of_the_ledger_with_one_byte_changed_does_not_verify(played: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    shutil.copytree(played / "ledger", ledger)
    assert _audit(ledger, played) == 0
    bundle = next(path for path in sorted((ledger / "tile" / "entries").rglob("*")) if path.is_file())
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    assert _audit(ledger, played) == 4


def test_a_folder_that_is_not_its_own_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-m", "comity.main", "demo", "--directory", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert (tmp_path / "precious").read_text() == "mine"


def _audit(ledger: Path, played: Path) -> int:
    trust = played / "exchange" / "trust.json"
    kept = ledger.parent / "audit"
    command = [sys.executable, "-m", "comity.main", "audit", "verify", str(ledger), "--trust", str(trust)]
    command += ["--keep", str(kept)]
    return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode


def _leaves(played: Path) -> list[dict[str, object]]:
    size = parse_checkpoint((played / "ledger" / "checkpoint").read_bytes()).size
    entries = []
    for index in range(-(-size // 256)):
        bundle = bundle_at(index, size)
        entries += parse_bundle((played / "ledger" / bundle.path).read_bytes(), bundle.width)
    return [json.loads(entry.partition(b"\n")[2]) for entry in entries]


def _header(leaf: dict[str, object]) -> dict[str, dict[str, dict[str, str]]]:
    jws = leaf["jws"]
    assert isinstance(jws, dict)
    manifest = json.loads(parse_b64u(jws["payload"]))
    header: dict[str, dict[str, dict[str, str]]] = json.loads(parse_b64u(manifest["header"]))
    return header
