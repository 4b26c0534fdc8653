"""A ledger to be audited: a static directory of so many leaves, every envelope in it really sealed and signed.

Leaves are those of a paper exchange (tests/unit/client/paper_services.py): decided by intake's own policy, one decision
a message, and for each of its recipients the relay and the delivery. The longer the list of recipients, the fewer
envelopes have to be signed for a million leaves: signing is what takes long here.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typing_extensions import override

from shared.audit.checkpoint import encode_checkpoint
from shared.audit.leaves import encode_entry, encode_leaf
from shared.audit.tiles import TILE_WIDTH, Tile, build_tiles, bundle_at, encode_bundle
from shared.audit.tree import hash_leaf
from shared.audit.tree_head import TreeHead
from shared.domain.ids import encode_time, new_uuid7
from shared.envelope.container import ReceivedEnvelope, parse_submission
from shared.keys.trust import Trust
from tests.unit.audit.paper_log import ORIGIN, log_signers
from tests.unit.client.paper_services import PaperServices
from tests.unit.envelope.workshop import seal

SENDER = "MA.PGR"
FORGOTTEN_AFTER = 200
"""Messages after which the paper services forget what they remember in memory."""


@dataclass
class TiledDirectory:
    """Appends to a static directory, holding one bundle and the partial tiles."""

    directory: Path
    size: int = 0
    entries: list[bytes] = field(default_factory=list)
    edge: dict[Tile, bytes] = field(default_factory=dict)
    root: bytes = b""

    def append(self, entry: bytes) -> None:
        self.entries.append(entry)
        if len(self.entries) == TILE_WIDTH:
            self._place()

    def finish(self) -> None:
        """The partial files and the checkpoint."""
        if self.entries:
            self._place()
        for tile, data in self.edge.items():
            self._write(tile.path, data)
        head = TreeHead(ORIGIN, self.size, self.root)
        self._write("checkpoint", encode_checkpoint(head, *log_signers()))

    def _place(self) -> None:
        made = build_tiles(self.size, [hash_leaf(entry) for entry in self.entries], self.edge.__getitem__)
        levels = {tile.level for tile in made.tiles}
        self.edge = {tile: data for tile, data in self.edge.items() if tile.level not in levels}
        for tile, data in made.tiles.items():
            if tile.width == TILE_WIDTH:
                self._write(tile.path, data)
            else:
                self.edge[tile] = data
        self._write(bundle_at(self.size // TILE_WIDTH, made.size).path, encode_bundle(self.entries))
        self.size, self.root, self.entries = made.size, made.root, []

    def _write(self, path: str, data: bytes) -> None:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


class Telling(PaperServices):
    """The paper services, telling a directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(intake_knows_registry=False)
        self.told = TiledDirectory(directory)
        self.leaves = 0

    @override
    def strike_clocks(self) -> None:
        """Nothing falls within the minute that passes here, and to ask every leg each time took most of the time."""

    @override
    def add_leaf(self, type_: str, **fields: Any) -> int:
        leaf = encode_leaf(type_, fields.pop("at", self.now), secrets.token_bytes(16), **fields)
        self.told.append(encode_entry(self.now, leaf))
        self.leaves += 1
        return self.leaves - 1

    @override
    def evidence(self, kind: str, received: ReceivedEnvelope, recipient: str, **more: Any) -> None:
        if kind == "delivery":
            super().evidence("relay-acceptance", received, recipient)
        super().evidence(kind, received, recipient, **more)


def write_audited(directory: Path, leaves: int, recipients: int) -> tuple[Trust, int]:
    """A ledger of at least so many leaves, every letter to so many recipients; the trust file, and how many letters."""
    services = Telling(directory)
    readers = [f"{'BE' if number < 676 else 'FR'}.P{number}" for number in range(recipients)]
    services.enrol(SENDER, *readers)
    basis: dict[str, dict[str, Any]] = {reader: {"primary": "untoc", "cited": [], "group": None} for reader in readers}
    for letters in itertools.count(1):
        services.pass_time(0.01)
        sealed = seal(
            attachments=(),
            id=new_uuid7(services.now),
            dossier=new_uuid7(services.now),
            sender=SENDER,
            recipients=readers,
            basis=basis,
            sent_at=encode_time(services.now)[:19] + "Z",
        )
        services.take(parse_submission(sealed.submission))
        if letters % FORGOTTEN_AFTER == 0:
            services.forget()
        if services.leaves >= leaves:
            break
    services.told.finish()
    return services.trust(), letters
