"""The set-up at `/console/setup`: from an empty folder to a conversation that goes both ways."""
