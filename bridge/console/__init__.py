"""The console: pages for those who run the bridge. Everything behind `mount.py` is loaded when somebody opens it."""
