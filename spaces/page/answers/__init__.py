"""The models, and what they answer."""
