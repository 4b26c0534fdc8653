"""The time-stamps that lie beside a ledger's tiles: fetched, kept in a copy, and judged.

Rules:
1. Nothing is believed of where a stamp comes from: the root that it must be over is made here, from tiles that the
   checkpoint vouches for, and its authority is believed under the reader's own root certificates alone.
2. A stamp that is missing proves nothing against anybody. One that does not verify is one that somebody changed, or of
   an authority that the reader does not believe.
3. What was logged after the stamp that holds it was logged by a clock that is wrong, or by one that lied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from client.audit_documents import CLOCK_SKEW
from client.audit_report import AuditReport
from client.exchange import Exchange
from client.ledger_source import CHECKPOINT, DirectoryLedger, ExchangeLedger, LedgerSource
from client.proof_bundle import StampedHead
from client.proof_stamps import stamp_roots, verify_stamped_head
from shared.adapters.durable_file import write_durably
from shared.audit.leaves import parse_entry
from shared.audit.quorum import rule_of
from shared.audit.tiles import TILE_WIDTH, TileHashReader, bundle_at, parse_bundle
from shared.audit.time_stamps import MAX_RESPONSE_BYTES, StampRoots
from shared.audit.tree import HashReader, prove_consistency, root_at
from shared.audit.tree_head import TreeHead
from shared.contracts.api import STAMP_PAGE
from shared.domain.ids import encode_time
from shared.errors import LedgerInvalid, NotThere, ProofStampInvalid, RequestFileInvalid
from shared.keys.base64url import parse_b64u
from shared.keys.trust import Trust

STAMPS: Final = "stamps"
"""The folder of a copy; a file is called `<size>-<authority>.tsr`."""
_FILE: Final = re.compile(r"([1-9][0-9]{0,15})-([a-z0-9._:\[\]-]{1,255})\.tsr")


@dataclass(frozen=True, slots=True)
class FoundStamp:
    """Not judged. `token` is a TimeStampResp in DER, said to be over the tree head of `size` entries."""

    size: int
    authority: str
    token: bytes

    @property
    def file(self) -> str:
        return f"{self.size}-{self.authority}.tsr"


class StampSource(LedgerSource, Protocol):
    def stamps(self, size: int) -> Iterator[FoundStamp]:
        """Over trees of at least `size` entries, the smallest first. Raises LedgerInvalid."""
        ...


class StampedExchange(ExchangeLedger):
    """The ledger that an exchange serves, with its stamps."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._served = exchange

    def stamps(self, size: int) -> Iterator[FoundStamp]:
        return served_stamps(self._served, size)


class StampedDirectory(DirectoryLedger):
    """A static directory, with the stamps that an export put into it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._folder = directory / STAMPS

    def stamps(self, size: int) -> Iterator[FoundStamp]:
        named = [match for name in self._names() if (match := _FILE.fullmatch(name)) is not None]
        for match in sorted(named, key=lambda one: (int(one[1]), one[2])):
            if int(match[1]) >= size:
                yield FoundStamp(int(match[1]), match[2], self._read_stamp(match[0]))

    def _names(self) -> list[str]:
        try:
            return [file.name for file in self._folder.iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as kept_away:
            raise RequestFileInvalid(file=self._folder, why=kept_away.strerror) from None

    def _read_stamp(self, name: str) -> bytes:
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(MAX_RESPONSE_BYTES + 1)
        except IsADirectoryError as other:
            raise LedgerInvalid(why=f"{STAMPS}/{name} cannot be read: {other.strerror}") from None
        except OSError as kept_away:
            raise RequestFileInvalid(file=self._folder / name, why=kept_away.strerror) from None


def served_stamps(exchange: Exchange, size: int) -> Iterator[FoundStamp]:
    """Those of an exchange, page by page; none of one that has no such address. Raises LedgerInvalid."""
    last: tuple[int, str] | None = None
    while True:
        try:
            page = exchange.stamps(size)
        except NotThere:
            return
        for item in page:
            place = (item.size, item.authority)
            if item.size < size or _FILE.fullmatch(f"{item.size}-{item.authority}.tsr") is None:
                raise LedgerInvalid(why=f"it shows a time-stamp of {item.size} entries, which was not asked for")
            if last is not None and place <= last:
                continue
            last = place
            yield FoundStamp(item.size, item.authority, _token(item.token))
        if len(page) < STAMP_PAGE or last is None:
            return
        size = last[0] if last[0] > size else size + 1  # authorities of one size fit a page, or some are passed over


def export_stamps(source: StampSource, directory: Path, trust: Trust) -> int:
    """Put those that are new into the copy; how many. They are judged by whoever reads them. Raises OSError."""
    head = rule_of(trust).read(DirectoryLedger(directory).read(CHECKPOINT)).head
    folder = directory / STAMPS
    there = [one.size for one in StampedDirectory(directory).stamps(1)]
    written = 0
    for stamp in source.stamps(max(there, default=1)):
        if stamp.size > head.size:
            break  # of a tree that is not here yet
        if not (folder / stamp.file).exists():
            folder.mkdir(exist_ok=True)
            write_durably(folder / stamp.file, stamp.token)
            written += 1
    return written


def under(stamp: FoundStamp, head: TreeHead, read_hash: HashReader) -> StampedHead:
    """The stamp with the root that it must be over, and the proof that this is a beginning of the head's tree. Raises
    LedgerInvalid, NotThere."""
    root = root_at(stamp.size, read_hash)
    return StampedHead(stamp.size, root, tuple(prove_consistency(stamp.size, head.size, read_hash)), stamp.token)


def judge_stamps(source: StampSource, trust: Trust, given: StampRoots | None, report: AuditReport) -> None:
    """Judge every stamp of a ledger that was read to its end, by the trust file's roots and those given; without any
    they are counted only. Raises LedgerInvalid, NotThere, SettingsRefused."""
    if not report.finished:
        return
    head, roots = TreeHead(trust.origin, report.size, bytes.fromhex(report.root)), stamp_roots(trust, given)
    reader = TileHashReader(head.size, lambda tile: source.read(tile.path))
    for stamp in source.stamps(1):
        if stamp.size > head.size:
            break  # it came after the checkpoint was read
        report.stamps_found += 1
        if roots is None:
            continue
        try:
            stamped = verify_stamped_head(under(stamp, head, reader), head, roots)
        except ProofStampInvalid as broken:
            report.differ(None, "time-stamp", f"{STAMPS}/{stamp.file}: {broken.facts['why']}")
            continue
        report.stamps_judged += 1
        report.stamped_at = max(report.stamped_at or stamped.at, stamped.at)
        logged_at = _logged_at(source, stamp.size - 1, head.size)
        if logged_at > stamped.at + CLOCK_SKEW:  # rule 3
            when = f"is said to be logged at {encode_time(logged_at)}, and {stamped.who} stamped it at"
            report.differ(stamp.size - 1, "time-stamp", f"it {when} {encode_time(stamped.at)}")


def _logged_at(source: LedgerSource, index: int, size: int) -> datetime:
    bundle = bundle_at(index // TILE_WIDTH, size)
    return parse_entry(parse_bundle(source.read(bundle.path), bundle.width)[index % TILE_WIDTH])[0]


def _token(text: str) -> bytes:
    try:
        token = parse_b64u(text)
    except ValueError as bad:
        raise LedgerInvalid(why=f"it shows a time-stamp that is none: {bad}") from None
    return token
