"""The closed lists of codes: types of measure, handling, outcomes, grounds of refusal, stages of a status report.

A code is never renamed and never reused: it stands in signed messages and in the ledger. Marked (k): from practice,
not read at the source; check before quoting one to a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COVERT = "covert"
"""What the header shows instead of a covert measure; the true type stands in the sealed body."""

COVERT_MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "interception": "Interception of communications",
        "covert-investigation": "Covert investigation",
        "covert-bank-monitoring": "Covert monitoring of a bank account",
    }
)

OPEN_MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "testimony": "Testimony or statement",
        "hearing-by-video": "Hearing by video conference",
        "hearing-by-telephone": "Hearing by telephone conference",
        "search-and-seizure": "Search and seizure",
        "bank-data": "Bank data",
        "stored-data": "Stored computer data",
        "subscriber-data": "Subscriber data",
        "traffic-data": "Traffic data",
        "preservation": "Expedited preservation of data",
        "site-examination": "Examination of objects or sites",
        "expert-report": "Expert report",
        "service-of-documents": "Service of documents",
        "originals": "Originals or certified copies",
        "transfer-of-detained-person": "Temporary transfer of a detained person",
        "asset-tracing": "Tracing of assets",
        "freezing": "Freezing of assets",
        "confiscation": "Confiscation",
        "return-of-assets": "Return of assets",
        "joint-team": "Joint investigation team",
        "controlled-delivery": "Controlled delivery",
        "criminal-record": "Criminal record",
        "information": "Information",
        "location-or-identification": "Location or identification of a person or thing",
    }
)

HEADER_MEASURES: frozenset[str] = frozenset(OPEN_MEASURES) | {COVERT}
"""The types that a header may show."""

PROVISIONAL: frozenset[str] = frozenset({"freezing", "preservation"})
"""Measures that keep what would otherwise be gone: EIO art. 32 (k)."""

MLA_HANDLING: Mapping[str, str] = MappingProxyType(
    {
        "use-limited": "Used for the purposes named in the request only (UNTOC 18(19))",
        "confidential": "The fact and substance of the request stay confidential (UNTOC 18(20))",
    }
)

POLICE_HANDLING: Mapping[str, str] = MappingProxyType(
    {  # Europol's handling codes (k); the text that belongs to h3 is sealed
        "h0": "No restriction beyond the law that applies",
        "h1": "Not for use as evidence without permission",
        "h2": "Not to be passed on without permission",
        "h3": "Other restrictions, in the sealed text",
    }
)

PURPOSES: Mapping[str, str] = MappingProxyType(
    {  # of use beyond what was asked for: UNTOC 18(19), UNCAC 46(19); each is permitted on its own
        "other-proceeding": "Another criminal proceeding about the same facts",
        "other-offence": "Another offence than the one that it was given for (speciality)",
        "evidence": "Use as evidence in court",
        "administrative": "An administrative or a tax proceeding",
        "civil": "A civil proceeding, or the recovery of assets",
        "intelligence": "Information for the police, not to be used as evidence",
        "disclosure": "Disclosure to a party of the proceeding beyond what the law requires",
        "statistics": "Research and statistics, without names",
    }
)

INTERPRETERS: Mapping[str, str] = MappingProxyType(
    {
        "none": "No interpreter is needed",
        "requested": "The requested side provides the interpreter",
        "requesting": "The requesting side provides the interpreter",
    }
)

HELD: Mapping[str, str] = MappingProxyType(
    {
        "held": "It took place",
        "held-in-part": "It took place in part; the body says what is missing",
        "not-held": "It did not take place; the body says why",
    }
)

CONDITION: Mapping[str, str] = MappingProxyType(
    {
        "intact": "Everything came, and each seal was intact",
        "seal-broken": "Everything came, and a seal was broken",
        "incomplete": "Something that was announced did not come",
        "nothing-came": "Nothing came",
    }
)

BULLETIN_HANDLING: Mapping[str, str] = MappingProxyType(
    {  # Traffic Light Protocol 2.0 (FIRST); source and information after the 4x4 system (k)
        "tlp:clear": "May be passed on",
        "tlp:green": "For the community",
        "tlp:amber": "For the organisation and its clients, on a need-to-know basis",
        "tlp:amber+strict": "For the organisation only",
        "tlp:red": "For the named recipients only",
        "source:a": "Source reliable without doubt",
        "source:b": "Source mostly reliable",
        "source:c": "Source mostly unreliable",
        "source:x": "Source's reliability unknown",
        "information:1": "Information accurate without reservation",
        "information:2": "Information known to the source at first hand",
        "information:3": "Information not known at first hand, corroborated",
        "information:4": "Information not known at first hand, not corroborated",
    }
)

OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "executed": "The measure was executed as asked",
        "executed-in-part": "The measure was executed in part; the body says what is missing and why",
    }
)

STAGES: Mapping[str, str] = MappingProxyType(
    {
        "registered": "Registered, not yet assigned",
        "assigned": "Assigned to its holder",
        "awaiting-court": "Awaiting the decision of a court",
        "awaiting-third-party": "Awaiting a third party, such as a bank or a provider",
        "in-hand": "Being worked on",
    }
)

CANNOT_OPEN: Mapping[str, str] = MappingProxyType(
    {
        "secret-unequal": "The secret is not the one that its sender committed to for every recipient",
        "part-broken": "A part does not decrypt, or is not what its body says",
        "body-malformed": "The body cannot be read",
        "body-contradicts-act": "The body says something else than the header",
        "key-lost": "The sealing key that it was sealed to is no longer there",
        "file-unreadable": "It opens, and a document in it cannot be read",
    }
)

CHANNELS: Mapping[str, str] = MappingProxyType(
    {
        "diplomatic-bag": "Diplomatic bag",
        "courier": "Courier or post",
        "liaison": "Liaison officer or magistrate",
        "in-person": "Handed over in person",
        "other-network": "Another protected network",
    }
)

GROUNDS: Mapping[str, str] = MappingProxyType(
    {  # all (k); which instrument knows which ground is the registry's data
        "untoc:18(9)": "Absence of dual criminality (optional)",
        "untoc:18(21)(a)": "Not made in conformity with the article",
        "untoc:18(21)(b)": "Sovereignty, security, public order or other essential interests",
        "untoc:18(21)(c)": "Prohibited by domestic law for a similar offence of one's own jurisdiction",
        "untoc:18(21)(d)": "Contrary to the legal system of the requested State",
        "uncac:46(9)": "Absence of dual criminality, within the limits of the paragraph",
        "uncac:46(21)(a)": "Not made in conformity with the article",
        "uncac:46(21)(b)": "Sovereignty, security, public order or other essential interests",
        "uncac:46(21)(c)": "Prohibited by domestic law for a similar offence of one's own jurisdiction",
        "uncac:46(21)(d)": "Contrary to the legal system of the requested State",
        "budapest:27(4)(a)": "Political offence, or connected with one",
        "budapest:27(4)(b)": "Sovereignty, security, public order or other essential interests",
        "un-cybercrime:40(22)": "Grounds of the paragraph",
        "eio:11(1)(a)": "Immunity or privilege, or freedom of the press",
        "eio:11(1)(b)": "Essential national security interests",
        "eio:11(1)(c)": "Not authorised in a similar domestic case (proceedings of art. 4(b) and (c) only)",
        "eio:11(1)(d)": "Ne bis in idem",
        "eio:11(1)(e)": "Offence committed outside the issuing State, no offence in the executing State",
        "eio:11(1)(f)": "Incompatible with fundamental rights",
        "eio:11(1)(g)": "Absence of dual criminality",
        "eio:11(1)(h)": "Measure restricted to a list or a threshold of offences",
        "political-offence": "Political offence",
        "military-offence": "Purely military offence",
        "essential-interests": "Sovereignty, security, public order or other essential interests",
        "2023-977:6": "Grounds of article 6 of Directive (EU) 2023/977",
    }
)
