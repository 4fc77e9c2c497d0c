"""What an interferogram's sentence says: its facts, and how well a sentence matches another."""
