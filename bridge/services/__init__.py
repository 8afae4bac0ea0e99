"""What the bridge lends to connectors, as it is kept: tokens, files, records."""
