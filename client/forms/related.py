"""What a new request takes over from a dossier that it is related to: typed reference, and what this authority wrote.

Rules:
1. The reference is always taken; texts only from a request that this authority itself sent, so that nothing of
   another's goes on under a new purpose unseen (speciality).
2. What is asked for, for which purpose, by when and how urgently is decided anew.
"""

from __future__ import annotations

from typing import Any, Final

from client.correspondence import Correspondence
from client.forms.form import form_of
from shared.domain.profiles import profile_of
from shared.domain.reference import encode_number
from shared.errors import NotInRegister, RelationUnknown

_DECIDED_ANEW: Final = frozenset(
    {
        "assistance_sought",
        "purpose",
        "deadline_reasons",
        "emergency_justification",
        "urgency_reasons",
        "information_sought",
    }
    | {"measures", "related_files", "text", "reasons", "necessity", "intention", "data"}
)


def related_members(own: Correspondence, dossier: str, profile: str, relation: str | None) -> dict[str, Any]:
    """The members of a draft. Raises RelationUnknown, NotInRegister, and what
    opening the first message of the dossier raises."""
    known = own.register.messages(dossier)
    if not known:
        raise NotInRegister(fragment=dossier)
    kind = profile_of(profile).opening
    form = form_of(profile, kind.name)
    fields = {} if form is None else {field.name: field for field in form.fields}
    relations = next(one.codes for one in fields["related_files"].fields if one.name == "type")
    opened = own.mailbox.open(known[0].message)
    header = opened.header
    chosen = relation or ("preservation" if header.profile == "preservation" else "supplementary")
    if chosen not in relations:
        raise RelationUnknown(relation=chosen, relations=", ".join(relations))
    reference = {"type": chosen, "number": encode_number(dossier, header.sender[:2]), "dossier": dossier}
    act = {"preservation": dossier} if header.profile == "preservation" and "preservation" in kind.act else {}
    content: dict[str, Any] = {"related_files": [reference]}
    if header.sender == own.keys.authority:
        taken = fields.keys() - _DECIDED_ANEW
        content |= {name: value for name, value in opened.content.items() if name in taken}
    return {"act": act, "content": content}
