"""What more than one part of Comity needs. Its list of children is closed (`pyproject.toml`, import contracts)."""
