"""The satellite: when it passes, where it looks from, what decorrelates."""
