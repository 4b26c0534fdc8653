"""Notification: who must hear of it? Owns the feeds."""
