"""Wires intake."""

from __future__ import annotations

from services.intake.directory import RecordDocuments
from services.intake.handler import IntakeHandler
from services.intake.roster import RosterAnnouncer
from shared.runtime.backends import Backend
from shared.runtime.service import ConsumingService


def build_intake(backend: Backend) -> ConsumingService:
    trust = backend.trust
    documents = RecordDocuments(trust.operator_keys, trust.operator_quorum)
    intake = ConsumingService("intake", IntakeHandler(trust.origin, documents), backend)
    units = backend.units(backend.keys("intake"))
    intake.first.append(RosterAnnouncer(backend.roster, units, backend.clock).run)
    return intake
