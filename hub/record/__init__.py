"""A record in time: the answers about many interferograms, and what they say together.

Works on an output folder's tables and files alone; no model is needed and none is loaded.
"""
