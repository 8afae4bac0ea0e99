"""What happens, told to systems of one's own: `[[events]]`."""
