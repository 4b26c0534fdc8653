"""The ledger: gives every leaf its place and signs the tree."""
