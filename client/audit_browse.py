"""Entries of a ledger that was read, found again and shown: each is proved to stand in the tree that was verified.

Nothing is believed of the source: an entry whose proof fails is not shown (LedgerInvalid). `docs/spec/leaves.md` says
what entries mean, `audit_words.py` says it of each one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from client.audit_file import AuditFile
from client.audit_index import Search
from client.ledger_source import LedgerSource
from shared.audit.leaves import parse_entry
from shared.audit.log_verification import LoggedLeaf
from shared.audit.tiles import TILE_WIDTH, TileHashReader, bundle_at, parse_bundle, root_from_tiles
from shared.audit.tree import hash_leaf, prove_inclusion, verify_inclusion
from shared.domain.ids import is_uuid7
from shared.domain.reference import encode_number, verify_number
from shared.envelope.container import ReceivedEnvelope, read_envelope
from shared.errors import Ambiguous, NotInLedger, NumberInvalid, Rejection

_BUNDLES_KEPT: Final = 8
_LEAST_FRAGMENT: Final = 4


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry that was proved; `received` is the envelope of a decision that has one."""

    logged: LoggedLeaf
    raw: bytes
    received: ReceivedEnvelope | None


@dataclass(frozen=True, slots=True)
class Page:
    """The newest entries first; `total` is how many were found in all."""

    entries: Sequence[ShownEntry]
    total: int


class Browser:
    """Raises what the source raises. Not for use from several threads."""

    def __init__(self, source: LedgerSource, file: AuditFile) -> None:
        self._source = source
        self._file = file
        position = file.position()
        self.size = position.size
        self._root = root_from_tiles(position.size, position.edge.__getitem__)
        self._hashes = TileHashReader(position.size, lambda tile: source.read(tile.path))
        self._bundles: OrderedDict[int, list[bytes]] = OrderedDict()

    def page(self, search: Search, number: int, per_page: int) -> Page:
        """Page `number`, from 1."""
        places = self._file.index.find(search, (number - 1) * per_page, per_page)
        return Page([self.entry(place) for place in places], self._file.index.count(search))

    def entry(self, place: int) -> ShownEntry:
        """Raises NotInLedger, LedgerInvalid."""
        if not 0 <= place < self.size:
            raise NotInLedger(what=f"entry {place}", size=self.size)
        raw = self._bundle(place // TILE_WIDTH)[place % TILE_WIDTH]
        proof = prove_inclusion(place, self.size, self._hashes)
        verify_inclusion(hash_leaf(raw), place, self.size, proof, self._root)
        logged_at, leaf = parse_entry(raw)
        jws = leaf.fields.get("jws") if leaf.type.startswith("decision.") else None
        try:
            received = None if jws is None else read_envelope(jws)
        except Rejection:
            received = None  # what is wrong with it, the audit told
        return ShownEntry(LoggedLeaf(place, logged_at, leaf), raw, received)

    def find(self, text: str) -> tuple[str, str]:
        """(`message` or `dossier`, its id) from an id, the beginning or end of one, or a dossier's number.

        Raises NotInLedger, Ambiguous, NumberInvalid.
        """
        whole = text.lower() if is_uuid7(text.lower()) else None
        found = self._file.index.ids_like(whole or text.lower()) if len(text) >= _LEAST_FRAGMENT else []
        if not found and whole is None:
            found = self._by_number(text)
        if not found:
            raise NotInLedger(what=text, size=self.size)
        if len(found) > 1:
            raise Ambiguous(fragment=text, candidates=", ".join(one for _, one in found))
        return found[0]

    def _by_number(self, text: str) -> list[tuple[str, str]]:
        try:
            number = verify_number(text)
        except NumberInvalid:
            if text[:2].isalpha() and text[2:4].isdigit():  # it was meant as one
                raise
            return []
        return [
            ("dossier", dossier)
            for dossier, sender in self._file.memory.openings()
            if encode_number(dossier, sender[:2]) == number
        ]

    def _bundle(self, number: int) -> list[bytes]:
        if number not in self._bundles:
            bundle = bundle_at(number, self.size)
            self._bundles[number] = parse_bundle(self._source.read(bundle.path), bundle.width)
        self._bundles.move_to_end(number)
        while len(self._bundles) > _BUNDLES_KEPT:
            self._bundles.popitem(last=False)
        return self._bundles[number]
