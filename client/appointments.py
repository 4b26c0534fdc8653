"""An appointment by the clocks of both sides, and in UTC.

Rules:
1. Its writer names the hour where it is held and both zones (IANA); the other side's hour and UTC are reckoned here and
   sealed with it. An hour that the clock there skips is refused, and one that it shows twice is told from the other by
   its UTC.
2. A reader reckons again. Machines know zones differently, and Morocco's changes from year to year: where the two do
   not agree the reader is told so, and UTC counts.
3. The day in the act is the day where it is held; a content that says another is refused before sealing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from shared.errors import ActMalformed, BodyIncomplete
from shared.texts.catalogue import mark as _
from shared.texts.catalogue import translate

APPOINTMENT: Final = "appointment"
_LOCAL: Final = "%Y-%m-%dT%H:%M"
_UTC: Final = "%Y-%m-%dT%H:%MZ"
_LINE: Final = _("{what}: {begins} in {zone}, {other_begins} in {other_zone}, {utc} UTC")
_DOUBT: Final = _("This machine knows {zone} otherwise: {here} there. What counts is {utc} UTC; agree on it.")


def completed(kind: str, act: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with the hours of the other side and of UTC. What is no text is left to the form. Raises
    BodyIncomplete, and ActMalformed for an act of another day."""
    node = _with_texts(content.get(APPOINTMENT), "begins", "zone", "other_zone")
    if node is None:
        return dict(content)
    whole = _reckoned(node, node["zone"], node["other_zone"], APPOINTMENT)
    days = [("on", node["begins"])]
    call = _with_texts(node.get("test_call"), "begins")
    if call is not None:
        whole["test_call"] = _reckoned(call, node["zone"], node["other_zone"], f"{APPOINTMENT}.test_call")
        days.append(("test-call", call["begins"]))
    for name, begins in days:
        if name in act and act[name] != begins[:10]:
            raise ActMalformed(kind=kind, why=f"{name} is {act[name]}, and the content says {begins}")
    return {**content, APPOINTMENT: whole}


def appointment_lines(content: Mapping[str, Any], language: str) -> Iterator[str]:
    """What a reader is shown: each hour by both clocks and in UTC, and where this machine knows a zone otherwise."""
    node = _with_texts(content.get(APPOINTMENT), "begins", "zone", "other_zone", "other_begins", "utc")
    if node is None:
        return
    what = str(node.get("what") or translate(_("The appointment"), language))
    yield from hour_lines(node, what, language)
    call = _with_texts(node.get("test_call"), "begins", "other_begins", "utc")
    if call is not None:
        yield from _told(call, node, translate(_("Test call"), language), language)


def hour_lines(node: Mapping[str, Any], what: str, language: str) -> Iterator[str]:
    """When this takes place by both clocks, without its test call; nothing for what has no hours."""
    whole = _with_texts(node, "begins", "zone", "other_zone", "other_begins", "utc")
    if whole is not None:
        yield from _told(whole, whole, what, language)


def moment_of(node: Mapping[str, Any]) -> datetime | None:
    """When it begins; None for what is no appointment with the hours of both sides and of UTC."""
    hours = ("begins", "other_begins", "utc")
    if _with_texts(node, *hours, "zone", "other_zone") is None:
        return None
    try:
        for name in hours[:2]:
            datetime.strptime(node[name], _LOCAL)
        return datetime.strptime(node["utc"], _UTC).replace(tzinfo=UTC)
    except ValueError:
        return None


def _told(hours: Mapping[str, str], zones: Mapping[str, str], what: str, language: str) -> Iterator[str]:
    utc = hours["utc"].removesuffix("Z").replace("T", " ")
    begins, other = (hours[name].replace("T", " ") for name in ("begins", "other_begins"))
    gaps = {"zone": zones["zone"], "other_zone": zones["other_zone"]}
    yield translate(_LINE, language, what=what, begins=begins, other_begins=other, utc=utc, **gaps)
    for zone, said in ((zones["zone"], begins), (zones["other_zone"], other)):
        here = _hour_in(zone, hours["utc"])
        if here is not None and here != said:
            yield translate(_DOUBT, language, zone=zone, here=here, utc=utc)


def _hour_in(zone: str, utc: str) -> str | None:
    """What this machine's list of zones makes of it; None where it knows no such zone or no such time."""
    try:
        return datetime.strptime(utc, _UTC).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OSError, LookupError, OverflowError):
        return None


def _reckoned(node: Mapping[str, Any], zone: str, other_zone: str, path: str) -> dict[str, Any]:
    moment = _instant(node["begins"], _zone(zone, path), node.get("utc"), path)
    other = moment.astimezone(_zone(other_zone, path)).strftime(_LOCAL)
    if node.get("other_begins") not in (None, other):
        raise BodyIncomplete(fields=f"{path}.other_begins is {node['other_begins']}; it is {other} in {other_zone}")
    return {**node, "utc": moment.strftime(_UTC), "other_begins": other}


def _instant(begins: str, zone: ZoneInfo, utc: object, path: str) -> datetime:
    try:
        local = datetime.strptime(begins, _LOCAL)
    except ValueError:
        raise BodyIncomplete(fields=f"{path}.begins is no time such as 2027-01-14T10:00") from None
    both = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    found = [one for one in dict.fromkeys(both) if one.astimezone(zone).replace(tzinfo=None) == local]
    if not found:
        raise BodyIncomplete(fields=f"{path}.begins: the clock of {zone.key} skips {begins}")
    named = [one for one in found if one.strftime(_UTC) == utc]
    if utc is None and len(found) == 1:
        return found[0]
    if not named:
        hours = " or ".join(one.strftime(_UTC) for one in found)
        raise BodyIncomplete(fields=f"{path}.utc: {begins} in {zone.key} is {hours}; say which")
    return named[0]


def _zone(name: str, path: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise BodyIncomplete(fields=f"{path}: this machine knows no time zone {name}") from None


def _with_texts(node: Any, *names: str) -> Mapping[str, Any] | None:
    """The node, if all of these members are text."""
    has_them = isinstance(node, Mapping) and all(isinstance(node.get(name), str) for name in names)
    return node if has_them else None
