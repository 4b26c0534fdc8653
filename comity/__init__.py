"""The `comity` command: thin, one file per command group."""
