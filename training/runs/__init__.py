"""A run's folder: checkpoints, weights, and taking it up again."""
