"""Whose key is it, and may it be used: strict public keys, key ids, signed key events and the directory they add up to.

Empty on purpose: import the module that you need, so that nobody carries a private half by accident.
"""
