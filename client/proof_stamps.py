"""The time-stamp of a bundle: over an older or the same tree, which the checkpoint's tree continues.

So everything that stands in the older tree was there at the stamped time, whatever the exchange's clock says.
"""

from __future__ import annotations

from client.proof_bundle import StampedHead
from client.proof_claims import Witnessed
from shared.audit import time_stamps
from shared.audit.tree import verify_consistency
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid, ProofStampInvalid, StampInvalid
from shared.keys.trust import Trust
from shared.texts.catalogue import mark as _
from shared.texts.sentence import Sentence


def stamp_roots(trust: Trust, given: time_stamps.StampRoots | None = None) -> time_stamps.StampRoots | None:
    """The root certificates of the trust file and those given; None where there is none. Raises SettingsRefused.

    Without the library those of the trust file say nothing: its owner asked for nothing that needs it.
    """
    if not trust.stamp_roots or (given is None and not time_stamps.is_installed()):
        return given
    return time_stamps.StampRoots(ders=trust.stamp_roots, beside=given)


def verify_stamped_head(stamped: StampedHead, head: TreeHead, roots: time_stamps.StampRoots) -> Witnessed:
    """Step 12, with root certificates at hand. Raises ProofStampInvalid."""
    verify_older_head(stamped, head)
    try:
        older = TreeHead(head.origin, stamped.size, stamped.root)
        found = time_stamps.verify_stamp(stamped.token, older, roots)
    except StampInvalid as broken:
        raise ProofStampInvalid(why=str(broken).rstrip(".")) from None
    return Witnessed(Sentence(_("the time-stamp authority {name}"), {"name": found.by}), found.at, older.size)


def verify_older_head(stamped: StampedHead, head: TreeHead) -> None:
    """Step 12 without them: the stamped tree is a beginning of this one. Raises ProofStampInvalid."""
    try:
        verify_consistency(stamped.size, stamped.root, head.size, head.root, stamped.consistency)
    except LedgerInvalid as broken:
        raise ProofStampInvalid(why=str(broken).rstrip(".")) from None
