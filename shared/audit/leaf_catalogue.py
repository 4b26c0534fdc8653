"""The leaf catalogue: what the ledger's entries say. `docs/spec/leaves.md` is its document.

A change of meaning is a new version; a new type or a new optional field is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.audit.leaf_fields import Field, Kind

CATALOGUE_VERSION: Final = 1

_MESSAGE = Field("message", Kind.UUID7)
_DOSSIER = Field("dossier", Kind.UUID7)
_SENDER = Field("sender", Kind.AUTHORITY)
_RECIPIENT = Field("recipient", Kind.AUTHORITY)
_ENVELOPE = Field("envelope_sha256", Kind.DIGEST)
_CODE_FIELD = Field("code", Kind.CODE)

_DECISION = (
    _MESSAGE,
    _SENDER,
    _ENVELOPE,
    Field("directory_index", Kind.NUMBER),
    Field("decide_by", Kind.TIME),
    Field("flags", Kind.CODES),
)
_PASSED_ON = (_MESSAGE, _DOSSIER, _RECIPIENT, _ENVELOPE)
_FALLS = Field("falls", Kind.TIME, required=False)

CATALOGUE: Final[Mapping[str, tuple[Field, ...]]] = {
    "decision.accepted": (
        *_DECISION,
        Field("jws", Kind.OBJECT),
        _DOSSIER,
        Field("leg", Kind.AUTHORITY, required=False),
        Field("states", Kind.LEG_STATES),
    ),
    "decision.rejected": (
        *_DECISION,
        Field("jws", Kind.OBJECT_OR_NULL),
        _CODE_FIELD,
        Field("dossier", Kind.UUID7, required=False),
        Field("leg", Kind.AUTHORITY, required=False),
    ),
    "evidence.submission-acceptance": (_MESSAGE, _DOSSIER, _SENDER, _ENVELOPE),
    "evidence.submission-rejection": (
        _MESSAGE,
        Field("dossier", Kind.UUID7, required=False),
        _SENDER,
        _ENVELOPE,
        _CODE_FIELD,
    ),
    "evidence.relay-acceptance": _PASSED_ON,
    "evidence.relay-rejection": (*_PASSED_ON, _CODE_FIELD),
    "evidence.relay-failure": (*_PASSED_ON, _CODE_FIELD, _FALLS),
    "evidence.delivery": (*_PASSED_ON, Field("route", Kind.CODE, required=False)),
    "evidence.non-delivery": (*_PASSED_ON, _CODE_FIELD, _FALLS),
    "evidence.retrieval": (*_PASSED_ON, Field("request", Kind.TEXT)),
    "evidence.non-retrieval": (*_PASSED_ON, _FALLS),
    "directory.key-event": (Field("event", Kind.OBJECT), Field("seq", Kind.NUMBER)),
    "directory.instruments": (
        Field("registry_sha256", Kind.DIGEST),
        Field("version", Kind.NUMBER),
        Field("document", Kind.OBJECT, required=False),
        Field("changes", Kind.CODES, required=False),
    ),
    "directory.roster": (Field("roster_sha256", Kind.DIGEST), Field("document", Kind.OBJECT)),
    "audit.reading": (
        Field("auditor", Kind.AUTHORITY),
        Field("day", Kind.CODE),
        Field("request", Kind.TEXT),
    ),
    "clock.event": (
        _MESSAGE,
        _DOSSIER,
        Field("leg", Kind.AUTHORITY),
        Field("event", Kind.CODE),
        Field("falls", Kind.TIME),
        Field("debtor", Kind.AUTHORITY),
        Field("measures", Kind.MEASURES),
        Field("owed", Kind.CODE, required=False),
        Field("basis", Kind.CODE, required=False),
        Field("due", Kind.TIME, required=False),
        Field("calendar", Kind.CODE),
        Field("registry", Kind.NUMBER),
    ),
    "clock.transport-late": (*_PASSED_ON, Field("awaited", Kind.CODE), Field("falls", Kind.TIME)),
    "exchange.calls-refused": (
        Field("since", Kind.TIME),
        Field("until", Kind.TIME),
        Field("refused", Kind.REFUSALS),
    ),
    "exchange.started": (
        Field("service", Kind.CODE),
        Field("version", Kind.CODE),
        Field("process", Kind.UUID7, required=False),
        Field("started_at", Kind.TIME, required=False),
        Field("roster_sha256", Kind.DIGEST, required=False),
    ),
    "exchange.stopped": (Field("service", Kind.CODE), Field("process", Kind.UUID7), Field("stopped_at", Kind.TIME)),
    "exchange.parts-pruned": (
        _MESSAGE,
        _DOSSIER,
        Field("closed_at", Kind.TIME),
        Field("kept_days", Kind.NUMBER),
    ),
    "exchange.letter-retried": (
        Field("service", Kind.CODE),
        Field("letter", Kind.NUMBER),
        Field("reason", Kind.CODE),
        Field("request", Kind.TEXT),
    ),
}
"""Leaf type → its fields, beside `v`, `type`, `at` and `nonce`."""
