"""Calendars, conditions and targets as values: pure functions, no settings, no store, no clock of their own."""
