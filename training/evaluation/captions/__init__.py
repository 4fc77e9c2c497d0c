"""What captioners write of a split, and how right it is."""
