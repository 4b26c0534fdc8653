"""The frame of the command: what it lists, what it imports, how it fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.keystore import create_operator_key
from comity.main import COMMANDS, app
from shared.keys.trust import encode_trust
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import PASSPHRASE, document_of

ROOT = Path(__file__).parents[3]
WRITTEN_ELSEWHERE = {"serve", "demo"}
runner = CliRunner()


def test_help_lists_every_command_and_imports_none() -> None:
    program = """
import sys
from typer.testing import CliRunner
from comity.main import app, COMMANDS
shown = CliRunner().invoke(app, ["--help"]).stdout
assert all(name in shown for name in COMMANDS), shown
heavy = {"httpx2", "pydantic", "cryptography", "fastapi", "sqlalchemy", "client", "comity.send"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WRITTEN_ELSEWHERE))
def test_every_command_explains_itself(name: str) -> None:
    result = runner.invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout


@pytest.mark.parametrize(
    "command",
    [
        *(
            ["send"],
            ["inbox"],
            ["watch"],
            ["show"],
            ["status"],
            ["open"],
            ["reply"],
            ["proof", "of"],
            ["proof", "verify"],
            ["audit", "verify"],
            ["audit", "keys"],
            ["audit", "replay"],
            ["audit", "follow"],
            ["audit", "show"],
            ["audit", "report"],
        ),
        *(
            ["ledger", "export"],
            ["keys", "new"],
            ["keys", "show"],
            ["keys", "rotate"],
            ["keys", "compare"],
            ["trust", "import"],
        ),
        *(["trust", "show"], ["operator", "init"], ["operator", "enrol"], ["operator", "suspend"]),
        *(["operator", "reinstate"], ["operator", "instruments", "load"], ["operator", "queues"]),
        *(["operator", "recover"], ["operator", "compromise"]),
        *(["operator", "backup"], ["operator", "restore"]),
        *(["operator", "dead-letters", name] for name in ("list", "show", "retry")),
    ],
    ids=" ".join,
)
def test_every_printing_command_can_print_json(command: list[str]) -> None:
    shown = re.sub(r"\x1b\[[0-9;]*m", "", runner.invoke(app, [*command, "--help"]).stdout)
    assert "--json" in shown


def test_a_mistyped_command_is_wrong_use_and_gets_a_suggestion() -> None:
    result = runner.invoke(app, ["inbx"])
    assert result.exit_code == 2
    assert "inbox" in result.stderr


# --- keys, trust, operators ------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMITY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COMITY_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("COMITY_URL", raising=False)
    return tmp_path / "home"


def test_new_keys_come_with_a_request_that_operators_can_enrol(home: Path) -> None:
    from client.enrolment import load_enrolment, make_event
    from shared.keys.directory import Directory

    made = runner.invoke(app, ["keys", "new", "--authority", "MA.PGR", "--name", "fr=Parquet", "--json"])
    assert made.exit_code == 0
    request = load_enrolment(home / "enrolment.json")
    paper = PaperExchange()
    document = make_event(
        "enrol", "MA.PGR", Directory.empty(paper.trust().origin), paper.operators, paper.trust(), paper.now, request
    )
    assert b"signatures" in document
    shown = document_of(runner.invoke(app, ["keys", "show", "--json"]))
    assert {key["use"]: key["kid"] for key in shown["keys"]} == document_of(made)["kids"]


def test_a_name_in_no_language_is_refused_before_a_key_is_made(home: Path) -> None:
    refused = runner.invoke(app, ["keys", "new", "--authority", "MA.PGR", "--name", "français=Parquet"])
    assert refused.exit_code == 2
    assert not (home / "keys.json").exists()


def test_keys_are_never_overwritten(home: Path) -> None:
    arguments = ["keys", "new", "--auditor", "MA.COUR", "--name", "fr=Cour"]
    assert runner.invoke(app, arguments).exit_code == 0
    before = (home / "keys.json").read_bytes()
    assert runner.invoke(app, arguments).exit_code == 1
    assert (home / "keys.json").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["keys", "new"],
        ["keys", "new", "--authority", "MA.PGR", "--auditor", "MA.COUR", "--name", "fr=x"],
        ["keys", "new", "--authority", "rabat", "--name", "fr=x"],
        ["keys", "new", "--authority", "MA.PGR"],
        ["keys", "new", "--authority", "MA.PGR", "--name", "Parquet"],
    ],
    ids=lambda arguments: " ".join(arguments[2:]) or "nothing",
)
def test_wrong_use_exits_with_2(home: Path, arguments: list[str]) -> None:
    assert runner.invoke(app, arguments).exit_code == 2
    assert not (home / "keys.json").exists()


def test_missing_settings_exit_with_2_and_say_which(home: Path) -> None:
    for arguments, words in ((["inbox"], "comity keys new"), (["trust", "show"], "comity trust import")):
        result = runner.invoke(app, arguments)
        assert result.exit_code == 2
        assert words in result.stderr


def test_a_settings_file_with_a_typing_mistake_is_refused(home: Path) -> None:
    home.mkdir()
    (home / "comity.toml").write_text('ulr = "https://comity.example"\n')
    result = runner.invoke(app, ["trust", "show"])
    assert result.exit_code == 2
    assert "ulr" in result.stderr


def test_a_trust_file_is_shown_before_it_is_believed(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "trust.json"
    file.write_bytes(encode_trust(PaperExchange().trust()))
    refused = runner.invoke(app, ["trust", "import", str(file)], input="n\n")
    assert refused.exit_code == 1
    assert "operator # " in refused.stdout
    assert not (home / "trust.json").exists()
    kept = runner.invoke(app, ["trust", "import", str(file), "--url", "https://comity.example"], input="y\n")
    assert kept.exit_code == 0
    assert document_of(runner.invoke(app, ["trust", "show", "--json"]))["operator_quorum"] == 2
    assert (home / "comity.toml").read_text() == 'url = "https://comity.example"\n'


def test_another_trust_file_does_not_slip_in(home: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_bytes(encode_trust(PaperExchange().trust()))
    second.write_bytes(encode_trust(PaperExchange().trust(operator_quorum=1)))
    runner.invoke(app, ["trust", "import", str(first), "--yes"])
    assert runner.invoke(app, ["trust", "import", str(second), "--yes"]).exit_code == 2
    assert (home / "trust.json").read_bytes() == first.read_bytes()
    assert runner.invoke(app, ["trust", "import", str(second), "--yes", "--replace"]).exit_code == 0


def test_a_broken_trust_file_does_not_verify(home: Path, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_text("{}")
    assert runner.invoke(app, ["trust", "import", str(tmp_path / "trust.json"), "--yes"]).exit_code == 4


def test_an_exchange_is_initialised_once(home: Path, tmp_path: Path) -> None:
    keys = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    create_operator_key(tmp_path / "a.json", PASSPHRASE)
    arguments = ["operator", "init", "--data", str(tmp_path / "data"), "--origin", "comity.example/log"]
    options = ["--operator-key", keys[0], "--operator-key", keys[1], "--public-url", "https://comity.example/"]
    made = runner.invoke(app, [*arguments, *options, "--json"])
    assert made.exit_code == 0, made.output
    assert len(set(document_of(made)["operator_kids"])) == 2
    assert (tmp_path / "data" / "comity.toml").read_text() == "public_url = 'https://comity.example'\n"
    assert runner.invoke(app, [*arguments, *options]).exit_code == 2
    assert runner.invoke(app, ["trust", "import", str(tmp_path / "data" / "trust.json"), "--yes"]).exit_code == 0


def test_a_whole_ledger_is_audited_from_a_directory(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = PaperExchange()
    monkeypatch.setattr("comity.audit_options.now", lambda: paper.now)
    paper.enrol("MA.PGR")
    directory = paper.write_ledger(tmp_path / "ledger")
    trust = tmp_path / "trust.json"
    trust.write_bytes(encode_trust(paper.trust()))
    verified = runner.invoke(app, ["audit", "verify", str(directory), "--trust", str(trust)])
    assert verified.exit_code == 0
    assert "The ledger verifies." in verified.stdout
    tile = directory / "tile" / "0" / "000.p" / "1"
    tile.write_bytes(bytes(32))
    broken = runner.invoke(app, ["audit", "verify", str(directory), "--trust", str(trust)])
    assert broken.exit_code == 4
    assert "DIFFERENCE  ledger, tile: tile/0/000.p/1" in broken.stdout


def test_only_a_database_that_has_roles_is_migrated_by_the_command() -> None:
    result = runner.invoke(app, ["database", "migrate", "--json", "--database", "sqlite+aiosqlite:///x"])
    assert result.exit_code == 2
    assert "SQLite has no roles" in document_of(result)["error"]["sentence"]
