"""One cube wherever it lies: archives, layout, decoding, windows."""
