"""`comity new KIND --dossier DOSSIER`: an answer step by step, from what its leg allows.

Rules:
1. A kind that is not possible is refused before the first question, and those that are possible are named.
2. Nobody answers what he has not read: a leg of which something is not in the register is read first.
3. A draft that lay is gone on with by its name. What came on its leg meanwhile is told, and its measures follow.
4. Before the file is written it is composed once as `comity reply` composes it: what that would refuse is told here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comity.home import now
from comity.output import local_time
from comity.words import _, told

if TYPE_CHECKING:
    from client.composition import ReplyWish
    from client.correspondence import Correspondence
    from client.forms.answer_draft import AnswerDraft
    from comity.asking import Asker
    from shared.domain.leg import Leg
    from shared.domain.profile_format import Kind


def check_draft_name(name: str) -> None:
    """Raises RequestFileInvalid."""
    from shared.errors import RequestFileInvalid

    if Path(name).name != name or name.startswith("."):
        raise RequestFileInvalid(file=name, why="a draft has a plain name, without a folder")


def choose_draft(asker: Asker, known: list[Path]) -> Path | None:
    """One of those that lie there; None for a new one. Raises Stopped."""
    for number, one in enumerate(known, start=1):
        asker.tell(f"  {number}  {one.stem}")
    if known:
        asker.tell(_("These drafts were not finished. A number goes on with one, Enter begins anew."))
        typed = asker.line()
        if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(known):
            return known[int(typed) - 1]
    return None


def begin_answer(
    asker: Asker, own: Correspondence, folder: Path, kind: str, dossier: str, leg: str | None, name: str | None
) -> AnswerDraft:
    """The draft that was named, one of those that lie there, or a new one. Raises KindUnknown, KindNotNow,
    DossierStale, RequestFileInvalid, NotInRegister, Stopped."""
    from client.forms.answer_draft import AnswerDraft
    from client.forms.draft import drafts_in
    from shared.domain.profiles import kind_of

    found = own.find_dossier(dossier)
    rules = kind_of(own.profile_of(found), kind)
    lying = folder / found
    if name is None:
        file = choose_draft(asker, drafts_in(lying, f"{kind}."))
    else:
        check_draft_name(name)
        file = lying / f"{kind}.{name}.json"
        file = file if file.exists() else None
    draft = None if file is None else AnswerDraft.load(file)
    state, undelivered = _leg(asker, own, found, rules, leg if draft is None else draft.document["leg"])
    seen = own.register.seen(found, state.requested) or ""
    offered = _offered(own, state, undelivered, rules)
    if draft is None:
        new = lying / f"{kind}.{name or format(now(), '%Y%m%d-%H%M%S')}.json"
        draft = AnswerDraft.begin_on(new, state, kind, seen, offered)
    else:
        _tell_changes(asker, own, draft, state, seen, offered)
    asker.know(draft.words)
    return draft


def rehearse(asker: Asker, own: Correspondence, draft: AnswerDraft) -> None:
    """Compose it, and send nothing. What the registry of instruments warns of is told, and refuses nothing yet. Raises
    what `comity send` would raise."""
    from client.by_file import AnswerFile
    from shared.errors import ReasonMissing

    written = AnswerFile.model_validate(draft.finished())
    state = own.leg(written.dossier, written.leg)
    try:
        own.compose_reply(written.dossier, own_wish(own, written.wish(state, None)), written.leg, written.in_reply_to)
    except ReasonMissing as doubt:
        asker.tell(told(doubt), style="yellow")
        asker.tell(_("Give the reason when you send it: --despite TEXT."))


def own_wish(own: Correspondence, wish: ReplyWish) -> ReplyWish:
    """An answer of this authority itself: a holder that is enrolled takes part."""
    return replace(wish, takes_part=wish.kind == "forward" and own.is_enrolled(str(wish.act.get("holder", ""))))


def _leg(asker: Asker, own: Correspondence, dossier: str, kind: Kind, named: str | None) -> tuple[Leg, str | None]:
    """The leg on which it is possible, asked for where there are several."""
    from client.forms.kind_words import named_kinds
    from shared.domain.dossier import possible_kinds
    from shared.domain.profiles import kind_of
    from shared.domain.reference import encode_number
    from shared.errors import DossierStale, KindNotNow

    shown = own.shown_legs(dossier) if named is None else [own.shown_leg(dossier, named)]
    kinds = {leg.requested: possible_kinds(leg, own.keys.authority, failed) for leg, failed in shown}
    able = [one for one in shown if kind.name in kinds[one[0].requested]]
    unread = [leg for leg, _failed in able or shown if not own.knows_head(leg)]
    if unread:
        raise DossierStale(leg=unread[0].requested)
    first = shown[0][0]
    if not able:
        names = dict.fromkeys(name for possible in kinds.values() for name in possible)
        possible = named_kinds(kind_of(first.profile, name) for name in names)
        number = encode_number(dossier, first.requesting[:2])
        raise KindNotNow(kind=named_kinds([kind]), number=number, possible=possible)
    return able[0] if len(able) == 1 else _asked(asker, able)


def _asked(asker: Asker, able: list[tuple[Leg, str | None]]) -> tuple[Leg, str | None]:
    from client.forms.form import FormField, Shape
    from shared.texts.catalogue import mark

    chosen: list[str] = []
    label = mark("The leg on which it is answered")
    field = FormField("leg", label, "", Shape.code, True, tuple(leg.requested for leg, _failed in able), is_line=True)
    while not chosen:
        asker.ask(field, None, lambda answer: chosen.append(answer) if answer else None)
    return next(one for one in able if one[0].requested == chosen[0])


def _offered(own: Correspondence, leg: Leg, undelivered: str | None, kind: Kind) -> dict[str, Any]:
    """What there is to choose from, by what is asked."""
    from shared.domain.catalogue import GROUNDS
    from shared.domain.dossier import possible_kinds
    from shared.domain.profiles import profile_of

    side = leg.side_of(own.keys.authority)
    owed = [one for one in leg.obligations if leg.side_of(one.debtor) is side]
    offered: dict[str, Any] = {"measures": list(possible_kinds(leg, own.keys.authority, undelivered)[kind.name])}
    if "grounds" in kind.act:
        registry = own.instruments()
        entry = registry.instrument(leg.basis.primary, now().astimezone(UTC).date()) if registry else None
        offered["grounds"] = [one.code for one in entry.grounds] if entry and entry.grounds else sorted(GROUNDS)
    if kind.discharges:
        offered["duties"] = sorted({one.act for one in owed} & profile_of(leg.profile).duties.keys())
    waiting = sorted({one.opened_by for one in owed if one.act in kind.settles})
    if len(waiting) > 1:
        offered["in_reply_to"] = waiting
    if kind.renews:
        offered["content"] = own.sent_before(leg)[0]
    return offered


def _tell_changes(
    asker: Asker, own: Correspondence, draft: AnswerDraft, leg: Leg, seen: str, offered: dict[str, Any]
) -> None:
    """Rule 3."""
    from shared.domain.profiles import kind_of

    if draft.document["seen"] == seen:
        return
    asker.tell(_("Since this draft was begun its leg has changed:"), style="yellow")
    on_leg = [one for one in own.register.messages(leg.dossier) if one.leg in (None, leg.requested)]
    before = [at for at, one in enumerate(on_leg) if one.digest == draft.document["seen"]]
    for one in on_leg[before[-1] + 1 if before else 0 :]:
        said = {"kind": _(kind_of(one.profile, one.kind).label), "party": one.sender, "at": local_time(one.recorded_at)}
        asker.tell("  " + _("{kind} of {party}, {at}", **said))
    for measure in leg.measures:
        then = draft.states.get(measure.id)
        if then not in (None, measure.state):
            asker.tell(f"  {measure.id}: {_(then)} → {_(measure.state)}")
    for gone in draft.go_on(leg, seen, offered):
        asker.tell("  " + _("{measure} is left out: it is not possible there any more.", measure=gone), style="red")
