"""What the bridge is compared with. Each is a program of its own; some run in an environment without the bridge."""
