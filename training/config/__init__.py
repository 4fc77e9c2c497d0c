"""What an experiment is, and which ones make sense."""
