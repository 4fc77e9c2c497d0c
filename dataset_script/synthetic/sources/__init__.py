"""What deforms the ground, and how it develops in time."""
