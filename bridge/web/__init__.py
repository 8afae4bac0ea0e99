"""The web side: vendors' callbacks, links to files, health."""
