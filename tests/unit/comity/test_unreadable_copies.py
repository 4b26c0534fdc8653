"""A copy that this machine does not let its reader read: it was not judged, which is another thing than a finding."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from client.ledger_source import DirectoryLedger
from client.ledger_stamps import StampedDirectory
from comity.home import Home
from comity.ledger_sources import open_source
from shared.errors import RequestFileInvalid
from tests.unit.client.letters import open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.comity.conftest import Run

MA, FR = "MA.PGR", "FR.BEPI"
NOBODY = 65534


@pytest.fixture
def ledger(exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("comity.audit_options.now", lambda: exchange.now)
    open_dossier(exchange.correspond(MA, tmp_path / "papers"), FR)
    return exchange.write_ledger(tmp_path / "ledger")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Permissions bind everybody but root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("place", ["checkpoint", "tile/entries", "tile/0", "stamps"])
def test_a_copy_that_this_machine_cannot_read_was_not_judged_and_ends_with_2(
    run: Run, ledger: Path, place: str
) -> None:
    """A link that leads to itself is refused to everybody, root too, as a missing permission is to others."""
    file = ledger / place
    if file.exists():
        file.rename(ledger / "away")
    file.symlink_to(file.name)
    refused = run(MA, "audit", "verify", str(ledger))
    assert (refused.exit_code, "client.request-file-invalid" in refused.stderr) == (2, True)
    assert place in refused.stderr.replace("\n", "")
    assert "VERIFY" not in refused.stdout


@pytest.mark.parametrize("place", ["checkpoint", "tile/0"])
def test_a_copy_in_which_something_else_lies_where_a_file_belongs_is_judged(run: Run, ledger: Path, place: str) -> None:
    file = ledger / place
    file.rename(ledger / "away")
    if place == "checkpoint":
        file.mkdir()
    else:
        file.touch()
    refused = run(MA, "audit", "verify", str(ledger))
    assert (refused.exit_code, "DOES NOT VERIFY" in refused.stdout) == (4, True)


def test_a_permission_that_is_missing_is_told_with_the_file(exchange: PaperExchange) -> None:
    with as_nobody(), TemporaryDirectory() as folder:
        place = exchange.write_ledger(Path(folder) / "ledger")
        for path, closed in (("checkpoint", place / "checkpoint"), ("tile/entries/000.p/2", place / "tile")):
            assert DirectoryLedger(place).read(path)
            closed.chmod(0)
            with pytest.raises(RequestFileInvalid, match=rf"{path} cannot be used: Permission denied"):
                DirectoryLedger(place).read(path)
            closed.chmod(0o700)
        (place / "stamps").mkdir(mode=0)
        with pytest.raises(RequestFileInvalid, match="stamps cannot be used"):
            list(StampedDirectory(place).stamps(1))
        place.chmod(0)
        with pytest.raises(RequestFileInvalid, match="Permission denied"):
            open_source(str(place), Home(place, None, None), exchange.trust())
        place.chmod(0o700)
