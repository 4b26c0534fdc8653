"""`ports.DirectoryMemory` in one small file of a service's state directory, with the time of the roster beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import structlog

from shared.adapters.kept_file import KeptFile
from shared.domain.ids import encode_time, parse_time
from shared.errors import SettingsRefused
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
        self._roster = encode_time(roster_issued_at)
        self._last = self._read(service, roster_issued_at)
        log.info("directory.remembers", service=service, index=None if self._last is None else self._last.index)

    def last(self) -> KeptDirectory | None:
        return self._last

    async def keep(self, directory: KeptDirectory) -> None:
        await self._file.write({**vars(directory), "roster": self._roster})
        self._last = directory

    def _read(self, service: str, roster_issued_at: datetime) -> KeptDirectory | None:
        document = self._file.read()
        if document is None:
            return None
        kept, roster = _kept(self._file, document)
        if roster > roster_issued_at:
            newer = document["roster"]
            raise SettingsRefused(
                why=f"the roster is of {self._roster}, {service} has used one of {newer}: put it back"
            )
        return kept


def _kept(file: KeptFile, document: Mapping[str, Any]) -> tuple[KeptDirectory, datetime]:
    """With the time of the roster. Raises SettingsRefused."""
    try:
        digests = [document[name] for name in ("head", "registry_digest")]
        if any(not isinstance(one, str | None) for one in digests):
            raise ValueError("a digest is no text")
        kept = KeptDirectory(int(document["index"]), digests[0], int(document["registry"]), digests[1])
        return kept, parse_time(document["roster"])
    except (ValueError, KeyError, TypeError) as broken:
        raise file.unreadable(broken) from None
