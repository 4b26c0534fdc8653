"""The command, run in this process against an exchange in a dictionary."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.callers import check_receipts
from client.exchange import Exchange
from client.key_file import SCRYPT_N_READ
from client.keystore import save_keystore
from comity import desk, desk_drafts
from comity import home as home_module
from comity.main import app
from shared.keys.private import Ed25519Signer
from shared.keys.trust import Trust, encode_trust
from tests.unit.client.letters import CONTENT
from tests.unit.client.paper_exchange import URL, PaperExchange
from tests.unit.envelope.workshop import party

PASSPHRASE = "a long enough passphrase"

Run = Callable[..., Result]

OFFICERS = {"alami": ("drafter",), "bennis": ("approver", "sender"), "chakir": ("sender",)}
"""Of the desk of MA.PGR, with their roles."""


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Made once: stretching a passphrase is slow on purpose."""
    folder = tmp_path_factory.mktemp("keys")
    files = {}
    for authority in ("MA.PGR", "FR.BEPI"):
        files[authority] = folder / f"{authority}.json"
        save_keystore(files[authority], PASSPHRASE, party(authority), cost=min(SCRYPT_N_READ))
    return files


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> PaperExchange:
    """Parties enrolled, a registry loaded; the command's clock is the exchange's."""
    paper = PaperExchange()
    paper.enrol("MA.PGR", "FR.BEPI")
    paper.load_registry()

    def exchange_as(signer: Any, owner: str, url: str, trust: Trust) -> Exchange:
        assert url == URL
        return Exchange(paper.calls_of(signer, owner), check_receipts(trust, owner))

    monkeypatch.setattr(home_module, "exchange_as", exchange_as)
    monkeypatch.setattr("client.correspondence.time.sleep", paper.pass_time)
    monkeypatch.setattr("client.correspondence.datetime", _Clock(paper))
    monkeypatch.setattr("comity.dossiers.now", lambda: paper.now)
    monkeypatch.setattr("comity.key_rotation.now", lambda: paper.now)
    monkeypatch.setattr("comity.proof.now", lambda: paper.now)
    return paper


class _Clock:
    """Stands for the class `datetime` where only `now` is asked of it."""

    def __init__(self, paper: PaperExchange) -> None:
        self._paper = paper

    def now(self, zone: object) -> Any:
        return self._paper.now


@pytest.fixture
def run(tmp_path: Path, key_files: dict[str, Path], exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("MA.PGR", "inbox")` runs the command in the home of this authority; `typed` is its standard input."""
    monkeypatch.setenv("COMITY_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("COMITY_URL", URL)
    monkeypatch.setenv("TZ", "UTC")
    for authority, file in key_files.items():
        place = tmp_path / authority
        place.mkdir()
        shutil.copy(file, place / "keys.json")
        (place / "trust.json").write_bytes(encode_trust(exchange.trust()))

    def run(authority: str, *arguments: str, typed: str | bytes | None = None) -> Result:
        monkeypatch.setenv("COMITY_HOME", str(tmp_path / authority))
        return CliRunner().invoke(app, list(arguments), input=typed)

    return run


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    file = tmp_path / "request.json"
    measures = {"M1": {"type": "bank-data", "target": "an account"}}
    file.write_text(json.dumps({"v": 1, "measures": measures, "content": CONTENT}))
    return file


def document_of(result: Result) -> Any:
    return json.loads(result.stdout)


@pytest.fixture(autouse=True)
def own_logs(logs_as_before: None) -> None:
    """`serve` configures the logs of its process, which is this one."""


@pytest.fixture
def office(run: Run, exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Three officers of MA.PGR; stretching their passphrases is not what is tested here."""

    def key(_: object, __: object, path: Path, *, make: bool = False) -> Ed25519Signer:
        return Ed25519Signer(path.name.ljust(32).encode())

    for module in (desk, desk_drafts):
        monkeypatch.setattr(module, "load_officer", key)
        monkeypatch.setattr(module, "now", lambda: exchange.now)
    for name, roles in OFFICERS.items():
        options = [word for role in roles for word in ("--role", role)]
        named = ("--name", f"Officer {name}", "--functions", "Prosecutor")
        result = run("MA.PGR", "desk", "officer", name, *named, *options, "--officer-key", name)
        assert result.exit_code == 0, result.output
    return run
