"""What comes in: kept, routed, polled; what customers, agents and desks do."""
