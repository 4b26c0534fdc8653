"""The ledger's formats, pure: leaf catalogue, Merkle tree, tiles, notes, checkpoints, proofs and their verification."""
