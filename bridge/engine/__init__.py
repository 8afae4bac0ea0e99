"""Lanes, steps and what becomes of them. The engine knows no vendor."""
