"""What goes out: rendered, claimed, sent, settled."""
