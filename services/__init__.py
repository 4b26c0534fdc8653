"""The four services. None imports another; each has policy (decides), handler (applies), main (wires)."""
