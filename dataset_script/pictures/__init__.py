"""Quicklooks and contact sheets."""
