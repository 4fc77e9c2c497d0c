"""The loops, and what they are made of."""
