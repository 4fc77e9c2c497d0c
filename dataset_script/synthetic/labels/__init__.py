"""What an annotator would say of a simulated interferogram."""
