"""(type, version) ↔ model: the one place that knows every message on the bus."""

from __future__ import annotations

from pydantic import ValidationError

from shared.contracts import messages
from shared.contracts.messages import ServiceMessage
from shared.contracts.topology import DESTINATION
from shared.domain.misfits import first_misfit
from shared.errors import FrameRefused, MessageTypeUnknown

MODELS: dict[tuple[str, int], type[ServiceMessage]] = {
    (model.TYPE, model.VERSION): model
    for model in (
        messages.SubmitEnvelope,
        messages.RecordKeyEvent,
        messages.RecordInstruments,
        messages.RecordReading,
        messages.RecordRefusals,
        messages.RecordGatewayStart,
        messages.RecordGatewayStop,
        messages.RetryIntakeLetter,
        messages.RetryRoutingLetter,
        messages.RetryNotificationLetter,
        messages.EnvelopeAdmitted,
        messages.EnvelopeDecided,
        messages.EnvelopeDelivered,
        messages.EnvelopeRetrieved,
        messages.RetrievalRecorded,
        messages.ClockStruck,
        messages.LimitPassed,
        messages.FeedAdvanced,
    )
}


def parse_message(type_: str, version: int, data: bytes) -> ServiceMessage:
    """The message in this JSON. Raises MessageTypeUnknown, or FrameRefused naming the field that does not fit."""
    model = MODELS.get((type_, version))
    if model is None:
        raise MessageTypeUnknown(type=type_, version=version)
    try:
        return model.model_validate_json(data)
    except ValidationError as invalid:
        raise FrameRefused(why=f"{type_} field {first_misfit(invalid, '')}") from None


def destination_of(type_: str, version: int) -> str:
    """Where messages of this type go. Raises MessageTypeUnknown."""
    model = MODELS.get((type_, version))
    if model is None:
        raise MessageTypeUnknown(type=type_, version=version)
    return DESTINATION[model]


def encode_message(message: ServiceMessage) -> bytes:
    """The JSON of a message, as it travels inside a frame."""
    return message.model_dump_json().encode()
