"""The Space's page: what reads an upload, asks the models, draws the answer and lays it out."""
