"""Training, evaluating and waiting for an answer."""
