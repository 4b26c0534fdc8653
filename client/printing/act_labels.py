"""What the members of acts are called on paper; a test holds that none lacks its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.texts.catalogue import mark as _

ACT_LABELS: Final[Mapping[str, str]] = {
    "access": _("Access"),
    "approvals": _("Internal approvals"),
    "arrived": _("Arrived on"),
    "bag": _("Number of the bag"),
    "before": _("To be discussed before"),
    "channel": _("Channel"),
    "competent": _("Competent authority"),
    "condition": _("Condition"),
    "consent": _("Consented on"),
    "count": _("Number of items"),
    "deadline": _("Deadline"),
    "declined": _("Not permitted"),
    "dossier": _("Dossier of the request"),
    "due": _("Answer asked for by"),
    "duties": _("Duties"),
    "estimate": _("Expected on"),
    "expected": _("Expected to be there on"),
    "granted": _("Permitted"),
    "grounds": _("Grounds"),
    "hand-over": _("To be handed over on"),
    "held": _("Whether it took place"),
    "holder": _("Authority that does the work"),
    "instead": _("Offered instead"),
    "interpreter": _("Interpreter"),
    "on": _("On"),
    "original": _("Message handed on"),
    "outcomes": _("Outcomes"),
    "preservation": _("Dossier of the preservation"),
    "purposes": _("Purposes"),
    "reason": _("Reason"),
    "received": _("Received on"),
    "return": _("To be returned by"),
    "returned": _("Returned on"),
    "review": _("To be looked at again on"),
    "safe-conduct": _("Safe conduct until"),
    "sent": _("Sent on"),
    "stage": _("Stage"),
    "stopped": _("Stopped on"),
    "test-call": _("Test call on"),
    "to": _("To be passed on to"),
    "until": _("Until"),
}
