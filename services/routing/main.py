"""Wires routing."""

from __future__ import annotations

from services.routing.handler import RoutingHandler
from shared.runtime.backends import Backend
from shared.runtime.service import ConsumingService


def build_routing(backend: Backend) -> ConsumingService:
    return ConsumingService("routing", RoutingHandler(), backend)
