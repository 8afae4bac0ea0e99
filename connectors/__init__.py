"""One folder per vendor. A connector knows its vendor and `bridge.contract`, nothing else."""
