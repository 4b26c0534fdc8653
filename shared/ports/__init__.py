"""Protocols that the exchange is built against. Each says what it promises: durability, concurrency, errors."""
