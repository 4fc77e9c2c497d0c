"""Repositories of the Hub: what lies in them, and how they are published and pulled."""
