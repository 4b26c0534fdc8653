"""What the commands of `comity audit` share: their source, where an audit is kept, and what came over other roads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity import home as homes
from comity.home import find_home, now
from comity.ledger_sources import is_address, open_source
from comity.output import local_time, say, visible
from comity.words import _, _n, retold

if TYPE_CHECKING:
    from client.audit_folder import AuditFolder
    from client.auditor import Elsewhere
    from client.exchange import Exchange
    from client.ledger_stamps import StampSource
    from shared.keys.trust import Trust

Source = Annotated[str, typer.Argument(help="Address of an exchange, or directory of an exported ledger.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that check signatures.")]
Keep = Annotated[
    Path | None, typer.Option(help="Folder for what was read; else `audit` in the home.", show_default=False)
]
MOST_RECEIPT_BYTES: Final = 4096


class Desk:
    """One auditor's place of work: whom he trusts, what he reads, where he keeps it."""

    def __init__(self, source: str, home: Path | None, trust: Path | None, keep: Path | None) -> None:
        from client.audit_folder import AuditFolder

        self._home = find_home(home)
        self._source = source
        self.trust: Trust = self._home.trust(trust)
        self.folder: AuditFolder = AuditFolder(keep or self._home.path / "audit", self.trust)

    @property
    def is_copy(self) -> bool:
        """Whether it reads a directory."""
        return not is_address(self._source)

    def source(self) -> StampSource:
        return open_source(self._source, self._home, self.trust)

    def exchange(self, url: str | None) -> tuple[Exchange, str]:
        """The exchange that was read from, or the one at this address, and who calls it. Raises SettingsRefused."""
        owner, key = self._home.api_key()
        address = url or (self._source if is_address(self._source) else self._home.require_url())
        return homes.exchange_as(key, owner, address, self.trust), owner

    def size_at(self, exchange: Exchange) -> int:
        """Entries of the ledger that this exchange serves now. Raises LedgerInvalid."""
        from shared.audit.quorum import rule_of

        return rule_of(self.trust).read(exchange.checkpoint()).head.size

    def elsewhere(self, receipts: list[Path] | None = None, checkpoints: list[Path] | None = None) -> Elsewhere:
        """Raises RequestFileInvalid for a file that is none of either."""
        from client.auditor import Elsewhere

        return Elsewhere(
            checkpoints=[(str(file), read_checkpoint(file, self.trust)) for file in checkpoints or ()],
            receipts=[(str(file), _receipt(file, self.trust)) for given in receipts or () for file in _within(given)],
            now=now(),
        )


def show_differences(console: Any, document: dict[str, Any]) -> None:
    """Each in one line; beyond the first 200, how many more."""
    for one in document["differences"]:
        show_difference(console, one)
    hidden = document["difference_count"] - len(document["differences"])
    if hidden:
        say(console, _n("… and {count} more difference", "… and {count} more differences", hidden), style="bold red")


def show_difference(console: Any, one: dict[str, Any]) -> None:
    told = f"{where_of(one['index'])}, {retold(one['what'])}: {retold(one['why'])}"
    say(console, _("DIFFERENCE") + f"  {told}", style="bold red")


def where_of(index: int | None) -> str:
    """Where in the ledger something was found."""
    return _("ledger") if index is None else _("entry {index}", index=index)


def counted_legs(count: int) -> str:
    """`3 legs`."""
    return _n("{count} leg", "{count} legs", count)


def show_size(console: Any, document: dict[str, Any]) -> None:
    """Which ledger was read, and how far."""
    members = {"origin": document["origin"], "root": document["root"]}
    told = _n(
        "{origin}: {count} entry, root {root}", "{origin}: {count} entries, root {root}", document["size"], **members
    )
    say(console, told)


def span_of(document: dict[str, Any]) -> str:
    first, last = local_time(document["first_logged_at"]), local_time(document["last_logged_at"])
    return _("{first} to {last}", first=first, last=last)


def safe(value: object) -> str:
    """Any value of the ledger on one line of a terminal."""
    return visible(str(value)).replace("\n", "\\n")


def _within(given: Path) -> list[Path]:
    """The file, or every `*.jws` in the folder and those below it."""
    return sorted(given.rglob("*.jws")) if given.is_dir() else [given]


def read_checkpoint(file: Path, trust: Trust) -> Any:
    """A checkpoint, or that of a proof bundle: what a court was handed may be of a tree that nobody else was shown.
    Raises RequestFileInvalid."""
    from client.proof_bundle import MAX_BUNDLE_BYTES, parse_bundle
    from client.request_file import read_given
    from shared.audit.quorum import rule_of
    from shared.errors import LedgerInvalid, ProofMalformed, ProofTooLarge, RequestFileInvalid

    given = read_given(file, MAX_BUNDLE_BYTES)
    try:
        return rule_of(trust).read(parse_bundle(given).checkpoint if given.startswith(b"{") else given)
    except (LedgerInvalid, ProofMalformed, ProofTooLarge) as broken:
        why = broken.facts.get("why") or str(broken).rstrip(".")
        raise RequestFileInvalid(file=file, why=f"it is no checkpoint of {trust.origin}: {why}") from None


def _receipt(file: Path, trust: Trust) -> Any:
    from client.request_file import read_given
    from shared.apisig.exchange_word import verify_own_receipt
    from shared.errors import ReceiptInvalid, RequestFileInvalid

    raw = read_given(file, MOST_RECEIPT_BYTES + 1)
    try:
        return verify_own_receipt(raw.decode("ascii").strip(), trust)
    except UnicodeDecodeError:
        raise RequestFileInvalid(file=file, why="it is no receipt") from None
    except ReceiptInvalid as broken:
        raise RequestFileInvalid(file=file, why=f"it is no receipt of {trust.origin}: {broken.facts['why']}") from None
