"""Wires routing."""

from __future__ import annotations

from services.routing.handler import RoutingHandler
from services.routing.retention import PartsKeeper
from shared.adapters.sql.retention import SqlRetention
from shared.runtime.backends import Backend
from shared.runtime.service import ConsumingService


def build_routing(backend: Backend) -> ConsumingService:
    routing = ConsumingService("routing", RoutingHandler(), backend)
    kept_days = backend.settings.parts_kept_days
    if kept_days is not None:
        units = backend.units(backend.keys("routing"))
        routing.beside.append(PartsKeeper(SqlRetention(backend.store), units, backend.clock, kept_days).run)
    return routing
