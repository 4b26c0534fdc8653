"""Wires notification."""

from __future__ import annotations

from services.notification.handler import NotificationHandler
from shared.runtime.backends import Backend
from shared.runtime.service import ConsumingService


def build_notification(backend: Backend) -> ConsumingService:
    return ConsumingService("notification", NotificationHandler(), backend)
