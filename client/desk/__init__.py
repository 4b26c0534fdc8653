"""Who acts inside an authority: officers, their signed approvals, drafts that wait for them."""
