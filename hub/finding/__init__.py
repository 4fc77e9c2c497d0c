"""Interferograms of a dataset that a sentence fits."""
