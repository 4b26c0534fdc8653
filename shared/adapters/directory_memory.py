"""`ports.DirectoryMemory` in one small file of a service's state directory, with the time of the roster beside it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from shared.adapters.kept_file import Document, KeptFile
from shared.domain.ids import encode_time, parse_time
from shared.errors import DirectoryBehind, SettingsRefused
from shared.ports.keyring import KeptDirectory

KEEPERS: Final = ("gateway", "intake")
"""The services that judge by the directory: who may call, and whose messages count."""
CHAPTER: Final = "The directory is behind"
log = structlog.get_logger()


def memory_file(service: str) -> str:
    return f"directory-{service}.json"


def kept_events(directory: Path, service: str, origin: str) -> int:
    """How many key events this service has judged by, whatever roster there was. Raises SettingsRefused."""
    file = KeptFile(directory / memory_file(service), origin, CHAPTER)
    document = file.read()
    return 0 if document is None else _kept(file, document)[0].index


class FileDirectoryMemory:
    """Of one service. Raises SettingsRefused when the file is there and cannot be read, is another exchange's, or
    remembers a newer roster than this one."""

    def __init__(self, directory: Path, service: str, origin: str, roster_issued_at: datetime) -> None:
        self._file = KeptFile(directory / memory_file(service), origin, CHAPTER)
        self._roster = roster_issued_at
        self._known = self._read_first(service)
        """The newest that this process saw: a file that is taken away, or set back, takes nothing from it."""
        log.info("directory.remembers", service=service, index=None if self._known is None else self._known.index)

    def last(self) -> KeptDirectory | None:
        try:
            self._known = self._newer(self._file.read())[0]
        except SettingsRefused as broken:
            raise DirectoryBehind(why=str(broken.facts["why"])) from broken
        return self._known

    async def keep(self, directory: KeptDirectory, over: KeptDirectory | None) -> bool:
        def judge(document: Document | None) -> Document | None:
            found, roster = self._newer(document)
            if found not in (over, directory):
                return None
            return {**vars(directory), "roster": encode_time(roster)}

        if over is not None and directory.joined(over) != directory:
            raise DirectoryBehind(why=f"key event {over.index} and registry {over.registry} were known here")
        if directory == over == self.last():
            return True
        is_kept = await self._file.change(judge)
        if is_kept:
            self._known = directory
        return is_kept

    def _read_first(self, service: str) -> KeptDirectory | None:
        document = self._file.read()
        if document is None:
            return None
        kept, roster = _kept(self._file, document)
        if roster > self._roster:
            own, newer = encode_time(self._roster), document["roster"]
            raise SettingsRefused(why=f"the roster is of {own}, {service} has used one of {newer}: put it back")
        return kept

    def _newer(self, document: Document | None) -> tuple[KeptDirectory | None, datetime]:
        """What the file holds, or else what is known here; and the newest roster."""
        if document is None:
            return self._known, self._roster
        kept, roster = _kept(self._file, document)
        return kept if self._known is None else kept.joined(self._known), max(roster, self._roster)


def _kept(file: KeptFile, document: Document) -> tuple[KeptDirectory, datetime]:
    """With the time of the roster. Raises SettingsRefused."""
    try:
        digests = [document[name] for name in ("head", "registry_digest")]
        if any(not isinstance(one, str | None) for one in digests):
            raise ValueError("a digest is no text")
        kept = KeptDirectory(int(document["index"]), digests[0], int(document["registry"]), digests[1])
        return kept, parse_time(document["roster"])
    except (ValueError, KeyError, TypeError) as broken:
        raise file.unreadable(broken) from None
