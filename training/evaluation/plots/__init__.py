"""Pictures of a run: its curves, and a few samples with what the model says of them."""
