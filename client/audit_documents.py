"""What the operators signed, as the log has it: the directory after each key event, the registry of instruments, the
roster of services (`audit_services.py`).

1. A key event verifies as the next one, by the trust file's operator keys. A registry is signed by them, as the next
   publication.
2. A decision may rest on documents that were current not long before it was logged: by its own `at`, a decision dated
   before a suspension would pass as made before it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from client.audit_keys import change_of
from client.audit_report import AuditReport, RegistryChange
from client.audit_services import RosterHistory
from shared.audit.log_verification import LoggedLeaf
from shared.domain.instrument_changes import changes_between
from shared.domain.instruments import Registry, parse_registry
from shared.domain.strict_json import encode_canonical_json
from shared.envelope.encoding import MAX_SKEW_S
from shared.errors import InstrumentsInvalid, KeyEventRefused
from shared.keys.base64url import encode_b64u
from shared.keys.directory import Directory
from shared.keys.events import verify_event
from shared.keys.instruments import Publication, publication_after, verify_instruments
from shared.keys.trust import Trust
from shared.keys.waiting import waits_by

CLOCK_SKEW: Final = timedelta(seconds=MAX_SKEW_S)
DOCUMENTS_STALE: Final = timedelta(seconds=10) + CLOCK_SKEW
"""A decision may use documents that are 10 s old, and wait for its turn to be written. Both ends are measured by
`logged_at`."""
DOCUMENT_TYPES: Final = frozenset({"directory.key-event", "directory.instruments", "directory.roster"})
_REGISTRIES_KEPT: Final = 8
"""Older ones are stale, unless operators publish every fifteen seconds."""


class OperatorDocuments:
    """`take` each leaf of DOCUMENT_TYPES, in the order of the log."""

    def __init__(self, trust: Trust, report: AuditReport) -> None:
        self._trust = trust
        self._report = report
        self._directories = [Directory.empty(trust.origin, waits_by(trust))]
        self._logged: list[datetime] = []
        self._registries: list[tuple[datetime, int, Registry]] = []
        self._published: Publication | None = None
        self.rosters = RosterHistory(trust, report)

    @property
    def directory(self) -> Directory:
        """After the last event so far."""
        return self._directories[-1]

    def take(self, logged: LoggedLeaf) -> None:
        if logged.leaf.type == "directory.key-event":
            self._take_key_event(logged)
        elif logged.leaf.type == "directory.roster":
            self.rosters.take(logged)
        else:
            self._take_registry(logged)

    def directory_of(self, logged: LoggedLeaf) -> Directory | None:
        """The one that a decision names. None if there is none before it."""
        index: int = logged.leaf.fields["directory_index"]
        if index >= len(self._directories):
            self._differ(logged, "directory-index", f"it names key event {index}, which was not logged before it")
            return None
        if index + 1 < len(self._directories) and self._logged[index] + DOCUMENTS_STALE < logged.logged_at:
            self._differ(logged, "directory-index", f"it was judged without key event {index + 1}, known by then")
        return self._directories[index]

    def directory_at(self, index: int) -> Directory:
        return self._directories[min(index, len(self._directories) - 1)]

    def registries_for(self, logged_at: datetime) -> list[Registry | None]:
        """The registries by which a decision may have been made that was logged now, the newest first."""
        return [registry for _, registry in self.numbered_registries_for(logged_at)]

    def numbered_registries_for(self, logged_at: datetime) -> list[tuple[int, Registry | None]]:
        """The same with the numbers of their publications; 0 and None before the first."""
        found: list[tuple[int, Registry | None]] = []
        for since, number, registry in reversed(self._registries):
            found.append((number, registry))
            if since + DOCUMENTS_STALE < logged_at:
                return found
        return [*found, (0, None)]

    def _take_key_event(self, logged: LoggedLeaf) -> None:
        document = encode_canonical_json(logged.leaf.fields["event"])
        latest = self._directories[-1]
        try:
            event = verify_event(document, self._trust.operator_keys, self._trust.operator_quorum, latest)
            self._directories.append(latest.apply(event).logged(event.seq, logged.logged_at))
        except KeyEventRefused as refused:
            self._differ(logged, "key-event", refused)
            return
        self._logged.append(logged.logged_at)
        if logged.leaf.fields["seq"] != event.seq:
            self._differ(logged, "key-event", f"its leaf calls event {event.seq} number {logged.leaf.fields['seq']}")
        self._report.note_key_change(change_of(event, logged, self._trust))

    def _take_registry(self, logged: LoggedLeaf) -> None:
        fields = logged.leaf.fields
        if "document" not in fields:
            self._differ(logged, "instruments", "its document is not in the ledger")
            return
        document, before = (
            encode_canonical_json(fields["document"]),
            self._registries[-1][2] if self._registries else None,
        )
        try:
            trust = self._trust
            publication = verify_instruments(document, trust.operator_keys, trust.operator_quorum, trust.origin)
            if (publication.number, publication.prev) != publication_after(self._published):
                raise InstrumentsInvalid(why=f"publication {publication.number} is not the next one")
            registry, self._published = parse_registry(publication.registry), publication
        except InstrumentsInvalid as refused:
            self._differ(logged, "instruments", refused)
            return
        if fields["version"] != publication.number:
            self._differ(logged, "instruments", f"its leaf calls publication {publication.number} {fields['version']}")
        changes = list(changes_between(before, registry))
        if fields.get("changes", changes) != changes:
            self._differ(logged, "instruments", f"it lists other changes than its document makes: {', '.join(changes)}")
        self._report.registries.append(RegistryChange(publication.number, publication.digest, logged.logged_at))
        self._registries = [*self._registries, (logged.logged_at, publication.number, registry)][-_REGISTRIES_KEPT:]
        if fields["registry_sha256"] != encode_b64u(hashlib.sha256(publication.registry).digest()):
            self._differ(logged, "instruments", "its digest is not that of its document")

    def _differ(self, logged: LoggedLeaf, what: str, why: object) -> None:
        self._report.differ(logged.index, what, why)
