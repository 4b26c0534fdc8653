"""Faults on real servers: processes die, freeze or fall silent under load, and judges look on."""
