"""Reading Signature-Input and Signature (RFC 9421 §4, RFC 9651), and the signature base (§2.5) of a call.

Only what the profile can use is read: members with other labels are skipped whole, and ours must be written exactly as
RFC 9651 serializes it, so that the text received is the text that was signed. A general parser and a serializer would
accept other spellings too, at twice the cost of a verification (docs/adr/0010-reading-signed-calls.md).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_MEMBER: Final = re.compile(r'[ \t]*+([a-z*][a-z0-9_.*-]*+)=((?:[^",\\]++|"(?:[^"\\]++|\\["\\])*+")*+)(,|\Z)')
"""One member of a dictionary whose commas stand between members or in strings. Possessive: no text takes long."""
_SIGNED: Final = re.compile(r'\(((?:"[^"\n]*+"(?: "[^"\n]*+")*+)?)\)((?:;[a-z]+=(?:[0-9]{1,15}|"[^"\\\n]*+"))*+)')
_PARAMETER: Final = re.compile(r';([a-z]+)=(?:([0-9]+)|"([^"]*)")')
_URL: Final = re.compile(r"(https?)://([A-Za-z0-9.\-:\[\]]++)([/?][\x21-\x7e]*+)?")
_DEFAULT_PORT: Final = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class SignatureInput:
    """The covered components, in their order and with their quotes; the parameters; and both as they were received."""

    components: tuple[str, ...]
    parameters: Mapping[str, int | str]
    text: str


def parse_members(field: str) -> dict[str, str]:
    """The members of a dictionary field, their values unread. Raises ValueError for none, or one that stands twice."""
    members: dict[str, str] = {}
    position, more = 0, ","
    while more == ",":
        found = _MEMBER.match(field, position)
        if found is None or found[1] in members:
            raise ValueError("the field is no dictionary, or names a label twice")
        members[found[1]] = found[2].rstrip(" \t")
        position, more = found.end(), found[3]
    return members


def parse_signature_input(member: str) -> SignatureInput:
    """Raises ValueError unless it is an inner list of names with parameters, in the one form of RFC 9651 §4.1."""
    listed = _SIGNED.fullmatch(member)
    if listed is None:
        raise ValueError("it is no list of components with parameters in their serialized form")
    found = [(one[1], int(one[2]) if one[2] else one[3]) for one in _PARAMETER.finditer(listed[2])]
    parameters = dict(found)
    if len(parameters) != len(found):
        raise ValueError("a parameter stands twice")
    return SignatureInput(tuple(listed[1].split(" ")) if listed[1] else (), parameters, member)


def parse_signature(member: str) -> bytes:
    """The bytes between colons, in canonical base64. Raises ValueError."""
    if len(member) < 2 or member[0] != ":" or member[-1] != ":":
        raise ValueError("it is no byte sequence")
    try:
        raw = base64.b64decode(member[1:-1], validate=True)
    except binascii.Error:
        raise ValueError("it is no base64") from None
    if base64.b64encode(raw).decode("ascii") != member[1:-1]:
        raise ValueError("it is no canonical base64")
    return raw


def signature_base(given: SignatureInput, method: str, url: str, fields: Mapping[str, str]) -> bytes:
    """What was signed. `fields` holds the values of the header fields that may be covered, by lower-case name.

    Raises ValueError for an address that is no absolute http(s) URL in its encoded form, a component that the call does
    not have, and a value that is not ASCII or would break the line.
    """
    address = _URL.fullmatch(url)
    if address is None:
        raise ValueError("the address is no encoded absolute URL")
    scheme, authority, _ = address.groups()
    values = {
        '"@method"': method,
        '"@authority"': authority.lower().removesuffix(_DEFAULT_PORT[scheme]),
        '"@target-uri"': url,
        **{f'"{name}"': value for name, value in fields.items()},
    }
    lines = []
    for name in given.components:
        if name not in values or "\n" in values[name] or "\r" in values[name]:
            raise ValueError(f"the call has no {name} to cover")
        lines.append(f"{name}: {values[name]}\n")
    return f'{"".join(lines)}"@signature-params": {given.text}'.encode("ascii")
