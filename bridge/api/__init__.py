"""`/api/…`: what the shop's own systems tell the bridge and ask of it. Each address is a module with its body."""
