"""What operators do to an instrument, as they type it, and what a party then reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from client.callers import check_receipts
from client.exchange import Exchange
from comity import operator_instruments
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"
Operate = Callable[..., Result]


@pytest.fixture
def operate(run: Run, exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch) -> Operate:
    """Both operators act; stretching their passphrases is not what is tested here."""
    operators = {str(n): one for n, one in enumerate(exchange.operators)}
    monkeypatch.setattr(operator_instruments, "load_operator", lambda _, path: operators[path.name])
    monkeypatch.setattr(
        operator_instruments,
        "exchange_as",
        lambda signer, *_: Exchange(exchange.calls_of(signer, "operator"), check_receipts(exchange.trust(), MA)),
    )

    def operate(*arguments: str, keys: int = 2) -> Result:
        options = [word for n in range(keys) for word in ("--operator-key", str(n))]
        return run(MA, "operator", "instruments", *arguments, *options, "--json")

    return operate


def test_a_denunciation_is_a_publication_that_names_it_and_parties_are_warned(
    operate: Operate, run: Run, request_file: Path
) -> None:
    told = document_of(
        operate("denounce", "ma-fr-2008", "--party", "FR", "--from", "2026-11-01", "--version", "2026-12")
    )
    assert (told["number"], told["changes"]) == (2, ["ma-fr-2008:fr:denounced:2026-11-01"])
    assert "FR (denounced from 2026-11-01)" in run(MA, "instruments", "ma-fr-2008").stdout
    refused = run(MA, "send", str(request_file), "--to", FR, "--instrument", "ma-fr-2008")
    assert "FR denounced it with effect from 2026-11-01." in refused.stderr


def test_a_suspension_is_lifted_by_a_publication_of_its_own(operate: Operate, run: Run) -> None:
    for command, day in (("suspend", "2026-10-01"), ("resume", "2026-11-01")):
        operate(command, "ma-fr-2008", "--party", "FR", "--from", day, "--version", day)
    [entry] = document_of(run(MA, "instruments", "ma-fr-2008", "--json"))["instruments"]
    assert (entry["parties"]["FR"]["suspended"], entry["parties"]["FR"]["resumed"]) == ("2026-10-01", "2026-11-01")
    assert "suspended" not in run(MA, "instruments", "ma-fr-2008").stdout


def test_an_amendment_is_read_from_its_day_on(operate: Operate, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "protocol.json"
    protocol = {"in_force": "2027-01-01", "title": "Protocol", "source": "sample", "channels": ["direct"]}
    file.write_text(json.dumps(protocol))
    told = document_of(operate("amend", "ma-fr-2008", str(file), "--version", "2027-01"))
    assert told["changes"] == ["ma-fr-2008:amended:2027-01-01"]
    assert "channels: central authority;" in run(MA, "instruments", "ma-fr-2008", "--on", "2026-12-31").stdout
    assert "channels: direct;" in run(MA, "instruments", "ma-fr-2008", "--on", "2027-01-01").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("denounce", "atlantis", "--party", "FR", "--from", "2027-01-01"), "no instrument atlantis"),
        (("denounce", "ma-fr-2008", "--party", "ES", "--from", "2027-01-01"), "ES is no party to ma-fr-2008"),
        (("resume", "ma-fr-2008", "--party", "FR", "--from", "2027-01-01"), "only what was suspended"),
    ],
)
def test_what_cannot_be_is_not_signed(
    operate: Operate, exchange: PaperExchange, arguments: tuple[str, ...], says: str
) -> None:
    before = exchange.registry
    result = operate(*arguments, "--version", "x")
    assert result.exit_code != 0
    assert says in document_of(result)["error"]["sentence"]
    assert exchange.registry == before


@pytest.mark.parametrize("who", ["FR", "MA"])
@pytest.mark.parametrize("command", ["resume", "suspend"])
def test_a_convention_that_was_denounced_is_neither_resumed_nor_suspended_by_either_side(
    operate: Operate, exchange: PaperExchange, command: str, who: str
) -> None:
    """It ended for both; what binds again is a new convention, or an accession."""
    if command == "resume":
        operate("suspend", "ma-fr-2008", "--party", who, "--from", "2026-10-01", "--version", "x")
    operate("denounce", "ma-fr-2008", "--party", "FR", "--from", "2026-11-01", "--version", "y")
    before = exchange.registry
    result = operate(command, "ma-fr-2008", "--party", who, "--from", "2026-11-01", "--version", "z")
    assert result.exit_code == 2
    assert "what was denounced is from that day on neither" in document_of(result)["error"]["sentence"]
    assert exchange.registry == before
    earlier = operate(command, "ma-fr-2008", "--party", who, "--from", "2026-10-31", "--version", "z")
    assert earlier.exit_code == 0


def test_one_operator_alone_publishes_nothing(operate: Operate, exchange: PaperExchange) -> None:
    before = exchange.registry
    result = operate("denounce", "ma-fr-2008", "--party", "FR", "--from", "2027-01-01", "--version", "x", keys=1)
    assert result.exit_code != 0
    assert exchange.registry == before


def test_what_looks_doubtful_goes_with_a_reason_and_not_without(run: Run, request_file: Path) -> None:
    doubtful = ("send", str(request_file), "--to", FR, "--instrument", "eio")
    refused = run(MA, *doubtful)
    assert (refused.exit_code, "MA is no party to" in refused.stderr) == (1, True)
    assert "--despite REASON" in refused.stderr
    assert document_of(run(FR, "inbox", "--json"))["unopened"] == []
    result = run(MA, *doubtful, "--despite", "Agreed by telephone.")
    assert result.exit_code == 0
    assert "Note: MA is no party to" in result.stderr
    [unopened] = document_of(run(FR, "inbox", "--json"))["unopened"]
    assert (
        "Why it is sent though the registry warns: Agreed by telephone." in run(FR, "open", unopened["message"]).stdout
    )


def test_a_country_stands_for_the_authority_that_the_instrument_names(run: Run, request_file: Path) -> None:
    result = run(MA, "send", str(request_file), "--to", "FR", "--instrument", "quadripartite", "--json")
    assert document_of(result)["recipients"] == [FR]
    nobody = run(MA, "send", str(request_file), "--to", "DE", "--instrument", "untoc")
    assert "[client.addressee-unknown]" in nobody.stderr


def test_the_law_between_two_countries_is_shown_with_its_grounds(run: Run) -> None:
    assert run(MA, "instruments", "--between", "ma-fr").stdout.splitlines()[1].startswith("ma-fr-2008 · bilateral")
    whole = run(MA, "instruments", "ma-fr-2008").stdout
    assert "ground political-offence:" in whole
    assert "FR: central authority FR.BEPI; languages fr; filing not known" in whole
    assert "no instrument atlantis" in run(MA, "instruments", "atlantis").stderr
