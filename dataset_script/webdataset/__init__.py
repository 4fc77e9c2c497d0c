"""The authors' own WebDataset layout, written and read."""
