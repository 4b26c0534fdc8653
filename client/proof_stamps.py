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


def verify_stamped_head(stamped: StampedHead, head: TreeHead, roots: time_stamps.StampRoots | None) -> Witnessed | None:
    """Step 12. None when no root certificate was given: then nobody vouches for the stamp. Raises ProofStampInvalid."""
    try:
        older = TreeHead(head.origin, stamped.size, stamped.root)
        verify_consistency(older.size, older.root, head.size, head.root, stamped.consistency)
        if roots is None:
            return None
        found = time_stamps.verify_stamp(stamped.token, older, roots)
    except (LedgerInvalid, StampInvalid) as broken:
        raise ProofStampInvalid(why=str(broken).rstrip(".")) from None
    return Witnessed(f"the time-stamp authority {found.by}", found.at, older.size)
