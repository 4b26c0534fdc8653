"""`ports.HeadMemory` in one small file of the ledger's state directory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shared.adapters.kept_file import Document, KeptFile
from shared.errors import LedgerForked, SettingsRefused
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.ports.ledger import KeptHead

HEAD_FILE: Final = "ledger-head.json"


class FileHeadMemory:
    """Bound to one log. Raises SettingsRefused when the file is there and cannot be read, or is another log's."""

    def __init__(self, directory: Path, origin: str) -> None:
        self._file = KeptFile(directory / HEAD_FILE, origin, "The ledger halted")
        self._known = self._parse(self._file.read())
        """The newest that this process saw: a file that is taken away, or set back, takes nothing from it."""

    def last(self) -> KeptHead | None:
        self._known = self._newest()
        return self._known

    async def keep(self, head: KeptHead, over: KeptHead | None) -> bool:
        def judge(document: Document | None) -> Document | None:
            if self._newer(self._parse(document)) not in (over, head):
                return None
            return {"size": head.size, "root": encode_b64u(head.root)}

        if over is not None and head.size < over.size:
            raise LedgerForked(why=f"{over.size} entries were signed, and these are {head.size}")
        if head == over == self.last():
            return True
        is_kept = await self._file.change(judge)
        if is_kept:
            self._known = head
        return is_kept

    def _newest(self) -> KeptHead | None:
        try:
            return self._newer(self._parse(self._file.read()))
        except SettingsRefused as broken:
            raise LedgerForked(why=str(broken.facts["why"])) from broken

    def _newer(self, found: KeptHead | None) -> KeptHead | None:
        known = self._known
        if found is None or known is None:
            return found or known
        if found.size == known.size and found.root != known.root:
            raise LedgerForked(why=f"what was signed of {known.size} entries is another tree in {HEAD_FILE} by now")
        return found if found.size > known.size else known

    def _parse(self, document: Document | None) -> KeptHead | None:
        try:
            return None if document is None else KeptHead(int(document["size"]), parse_b64u(document["root"], 32))
        except (ValueError, KeyError, TypeError) as broken:
            raise self._file.unreadable(broken) from None
