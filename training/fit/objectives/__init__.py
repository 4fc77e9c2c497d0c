"""What a run learns: deformation, pixels, captions, or which sentence belongs to which pair."""
