"""Records in time on simulated frames of years, and how fast they grow."""
