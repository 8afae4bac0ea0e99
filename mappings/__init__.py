"""The tables that keep people, tickets and messages in step, and the queries on them."""
