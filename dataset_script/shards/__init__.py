"""Rows into files: the plan, the writers, the folder they go to."""
