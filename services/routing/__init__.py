"""Routing: who gets it, where, and did they? Owns mailboxes and transport state."""
