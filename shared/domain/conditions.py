"""Whether a condition of a profile's row applies to a message. Pure, and blind to every state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from shared.domain.catalogue import PROVISIONAL
from shared.domain.header import RECIPROCITY, Basis, Urgency
from shared.domain.profile_format import Condition


class Addressed(Protocol):
    """What conditions look at: a header, or a draft that is to become one."""

    @property
    def profile(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def urgency(self) -> Urgency: ...
    @property
    def handling(self) -> tuple[str, ...]: ...
    @property
    def measures(self) -> Mapping[str, str]: ...
    @property
    def basis(self) -> Mapping[str, Basis] | None: ...
    @property
    def act(self) -> Mapping[str, Any]: ...


def is_met(when: Condition, header: Addressed) -> bool:
    """Whether the row that stands under this condition applies to the message."""
    is_urgent = header.urgency in (Urgency.urgent, Urgency.emergency)
    match when:
        case Condition.always:
            return True
        case Condition.unless_service_only:
            return set(header.measures.values()) != {"service-of-documents"}
        case Condition.with_deadline:
            return "deadline" in header.act
        case Condition.with_reciprocity:
            return any(basis.primary == RECIPROCITY for basis in (header.basis or {}).values())
        case Condition.in_emergency:
            return header.urgency is Urgency.emergency
        case Condition.if_urgent:
            return is_urgent
        case Condition.if_provisional:
            return set(header.measures.values()) <= PROVISIONAL
        case Condition.if_restricted:
            return "h3" in header.handling
        case Condition.if_urgent_and_direct:
            return is_urgent and header.act.get("access") == "direct"
