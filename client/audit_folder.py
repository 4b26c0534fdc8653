"""Where an auditor keeps what was read of each log: one folder, two files for a log.

1. A whole reading goes into a file of its own. Broken off, it goes on from there the next time; finished, it takes the
   place of the one before, unless that one knows a larger tree, or another: then the older file is the evidence, and
   stays.
2. Commands that search or follow read on in the finished file: only what is new is read.
3. A file that was made by another version of this program serves as memory of what was seen, and is not gone on with.
4. Two signed checkpoints that contradict each other are written down, each in a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from client.audit_file import AuditFile, is_made
from client.audit_reading import Progress
from client.audit_report import OLDER_COPY, AuditReport
from client.audit_workers import WORKERS
from client.auditor import NOTHING_ELSE, Elsewhere, SeenBefore, verify_ledger
from client.ledger_source import LedgerSource
from client.whole_file import locked, put_in_place
from shared.audit.quorum import rule_of
from shared.errors import AuditFileUnusable
from shared.keys.trust import Trust


@dataclass(frozen=True, slots=True)
class AuditFolder:
    """The files of one log in `folder`; the same origin with other keys is another log."""

    folder: Path
    trust: Trust

    @property
    def finished(self) -> Path:
        return self.folder / f"{self._name}.sqlite3"

    @property
    def unfinished(self) -> Path:
        return self.folder / f"{self._name}.unfinished.sqlite3"

    def verify_whole(
        self,
        source: LedgerSource,
        progress: Progress | None = None,
        *,
        workers: int = WORKERS,
        elsewhere: Elsewhere = NOTHING_ELSE,
        afresh: bool = False,
    ) -> AuditReport:
        """From the first entry, or from where such a reading was broken off, unless it is to begin afresh."""
        if afresh or _is_outdated(self.unfinished):
            remove(self.unfinished)
        with ExitStack() as closing:
            seen = self._seen(closing)
            file = closing.enter_context(AuditFile(self.unfinished))
            report = verify_ledger(
                source,
                self.trust,
                progress,
                workers=workers,
                file=file,
                elsewhere=elsewhere,
                seen=seen,
            )
            proven = file.head() is not None
        self._settle(report, proven)
        self._write_evidence(report)
        return report

    @contextmanager
    def brought_up_to_date(
        self,
        source: LedgerSource,
        progress: Progress | None = None,
        *,
        workers: int = WORKERS,
        elsewhere: Elsewhere = NOTHING_ELSE,
        report: AuditReport | None = None,
    ) -> Iterator[tuple[AuditReport, AuditFile]]:
        """The finished file, read on to the newest checkpoint; made first where there is none, or anew where it was
        made by other rules."""
        if not is_made(self.finished) or _is_outdated(self.finished):
            self.verify_whole(source, progress, workers=workers, elsewhere=elsewhere)
        usable = is_made(self.finished) and not _is_outdated(self.finished)
        with ExitStack() as closing:
            seen = None if usable else self._seen(closing)  # what was not put in its place is still held against it
            file = closing.enter_context(AuditFile(self.finished if usable else None))
            done = verify_ledger(
                source, self.trust, progress, workers=workers, file=file, elsewhere=elsewhere, seen=seen, report=report
            )
            self._write_evidence(done)
            yield done, file

    def _settle(self, report: AuditReport, proven: bool) -> None:
        """A whole reading that reached its end is put in its place. One that came to nothing is not gone on with: what
        was served may have been altered."""
        wrong = any(one.what in ("forked", "rolled-back", OLDER_COPY) for one in report.differences)
        if report.finished and proven and not wrong:
            with locked(self.finished):
                remove(self.finished)
                self.unfinished.replace(self.finished)
        elif wrong or report.read == report.size:
            remove(self.unfinished)

    def _seen(self, closing: ExitStack) -> SeenBefore | None:
        """From the finished file, which is open until `closing` closes it."""
        if not is_made(self.finished):
            return None
        file = closing.enter_context(AuditFile(self.finished, read_only=True))
        note = file.head()
        return None if note is None else SeenBefore(rule_of(self.trust).read(note), file.root_at)

    def _write_evidence(self, report: AuditReport) -> None:
        try:
            for note in report.contradicting:
                file = self.folder / f"{self._name}-{sha256(note).hexdigest()[:16]}.checkpoint"
                if not file.exists():
                    put_in_place(file, note, replace=True)
        except OSError as broken:
            raise AuditFileUnusable(file=self.folder, why=broken.strerror) from None

    @property
    def _name(self) -> str:
        told = "\n".join([self.trust.origin, *sorted(self.trust.first_log_vkeys)])
        return f"{re.sub(r'[^a-z0-9.]+', '-', self.trust.origin.lower())}-{sha256(told.encode()).hexdigest()[:8]}"


def _is_outdated(path: Path) -> bool:
    if not is_made(path):
        return False
    with AuditFile(path, read_only=True) as file:
        return file.is_outdated


def remove(file: Path) -> None:
    """With what SQLite writes beside it: another file must not meet it."""
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        file.with_name(name).unlink(missing_ok=True)
