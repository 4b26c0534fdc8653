"""The closed format of a key event, `comity-key-event/1`: the bytes that operators and parties sign.

Rules:
1. Every member is present; what does not apply to the type is null, or empty for `keys`. An unknown member refuses it.
   `compromise` alone stands in the events of that type and in no other.
2. The exact bytes are what is signed, chained and kept; they are never re-serialised.

It checks form only; `events` judges place, signatures and possession.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from shared.domain.id_fields import AuthorityId, Digest, Timestamp
from shared.domain.ids import parse_time
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import encode_canonical_json, parse_strict_json

EVENT_VERSION: Final = "comity-key-event/1"
EVENT_DOMAIN: Final = b"comity-key-event/1\x00"
MAX_VALIDITY: Final = timedelta(days=1096)
"""Three years. There is no forward secrecy towards a stolen sealing key, so keys are short-lived."""
MAX_COMPROMISED: Final = 16
"""Keys that one event declares compromised: four generations of all four."""

Use = Literal["sign-ed25519", "sign-mldsa65", "seal-xwing", "api-ed25519"]
EventType = Literal["enrol", "rotate", "recover", "suspend", "reinstate", "compromise"]
Role = Literal["authority", "auditor"]
Mandate = Literal["full", "country"]

USES_OF_ROLE: Final[dict[str, tuple[Use, ...]]] = {
    "authority": ("sign-ed25519", "sign-mldsa65", "seal-xwing", "api-ed25519"),
    "auditor": ("api-ed25519",),
}
"""Which keys a party must enrol with, each exactly once."""


_UNPRINTABLE: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\xa0\\xad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890-\\u0891\\u08e2\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f"
    "\\u205f-\\u206f\\u3000\\ud800-\\uf8ff\\ufeff\\ufff9-\\ufffb\\U000110bd\\U000110cd\\U00013430-\\U0001343f"
    "\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff\\U000f0000-\\U0010ffff]"
)
"""Controls, formats, private characters, separators and spaces but U+0020. A list, and no question to the Unicode
tables of this Python: readers with other tables would replay the same events to another directory."""


def _printable(text: str) -> str:
    """Names are read by people who decide by them: no control and no invisible direction character."""
    if _UNPRINTABLE.search(text) or text != text.strip(" "):
        raise ValueError("a name holds printable characters, no white space around it")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class NameDocument(_Closed):
    """A party's official name, and the same in other languages (ISO 639 code → name)."""

    official: Name
    languages: dict[Language, Name] = Field(max_length=40)


class KeyEntryDocument(_Closed):
    """One key, its window of validity, and the proof that its owner holds the private half (see `possession`)."""

    use: Use
    public: Annotated[str, StringConstraints(max_length=4000)]
    not_before: Timestamp
    not_after: Timestamp
    proof: tuple[Annotated[str, StringConstraints(max_length=8000)], ...] = Field(
        strict=False, min_length=1, max_length=2
    )

    @model_validator(mode="after")
    def _window_is_sound(self) -> KeyEntryDocument:
        length = parse_time(self.not_after) - parse_time(self.not_before)
        if not timedelta(0) < length <= MAX_VALIDITY:
            raise ValueError(f"a key is valid for more than no time and at most {MAX_VALIDITY.days} days")
        return self


class CompromiseDocument(_Closed):
    """Kids of the party's registered keys, and the point of ledger time from which they are in other hands."""

    kids: tuple[Annotated[str, StringConstraints(min_length=1, max_length=100)], ...] = Field(
        strict=False, min_length=1, max_length=MAX_COMPROMISED
    )
    since: Timestamp


class KeyEventDocument(_Closed):
    """A key event as written. `seq` counts from 1; `prev` is the b64u SHA-256 of the previous event's bytes."""

    v: Literal["comity-key-event/1"]
    type: EventType
    exchange: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    seq: int = Field(ge=1)
    prev: Digest | None
    at: Timestamp
    party: AuthorityId
    role: Role | None
    mandate: Mandate | None
    name: NameDocument | None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None
    keys: tuple[KeyEntryDocument, ...] = Field(strict=False, max_length=4)
    compromise: CompromiseDocument | None = None

    @model_validator(mode="after")
    def _members_fit_the_type(self) -> KeyEventDocument:
        uses = [key.use for key in self.keys]
        if len(set(uses)) != len(uses):
            raise ValueError("a use stands twice")
        if self.type == "enrol":
            self._check_enrolment(uses)
        elif (self.role, self.mandate, self.name, self.country) != (None, None, None, None):
            raise ValueError("role, mandate, name and country stand in an enrolment only")
        elif bool(self.keys) != (self.type in ("rotate", "recover")):
            raise ValueError("a rotation or recovery names keys, a suspension or reinstatement names none")
        if (self.compromise is not None) != (self.type == "compromise") or (
            self.compromise is None and "compromise" in self.model_fields_set
        ):
            raise ValueError("compromise stands in an event of that type and in no other")
        return self

    def _check_enrolment(self, uses: Sequence[str]) -> None:
        if self.role is None or self.name is None or self.country is None:
            raise ValueError("an enrolment states role, name and country")
        if (self.mandate is not None) != (self.role == "auditor"):
            raise ValueError("an auditor has a mandate, an authority has none")
        if not self.party.startswith(f"{self.country}."):
            raise ValueError("a party's id begins with its country")
        if sorted(uses) != sorted(USES_OF_ROLE[self.role]):
            raise ValueError(f"{self.role} enrols with exactly these keys: {', '.join(USES_OF_ROLE[self.role])}")


def parse_event_document(raw: bytes) -> KeyEventDocument:
    """Raises ValueError; its text names the member and the rule, and repeats no value."""
    document: Any = parse_strict_json(raw)
    try:
        return KeyEventDocument.model_validate(document)
    except ValidationError as bad:
        raise ValueError(first_misfit(bad, "event")) from None


def encode_event_document(event: KeyEventDocument) -> bytes:
    return encode_canonical_json(
        event.model_dump(mode="json", exclude=None if event.type == "compromise" else {"compromise"})
    )
