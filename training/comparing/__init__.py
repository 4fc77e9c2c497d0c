"""Runs side by side: what differs, who is better and how surely, curves in one figure."""
