"""The air of an acquisition."""
