"""One conversation: its link, its allowance, what waits in it and what agents are told."""
