"""What the loops run on: who goes first, wake-ups, the clock's ticks, ids."""
