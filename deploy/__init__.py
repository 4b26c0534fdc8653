"""How Comity is run: images, cluster files, database roles, and private servers on one machine (`deploy.local`)."""
