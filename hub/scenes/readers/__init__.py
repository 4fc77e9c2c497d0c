"""One small reader for each kind of file. A new one goes here, and into the table of `load`."""
