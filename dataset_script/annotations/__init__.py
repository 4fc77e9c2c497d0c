"""What the experts said: records, groups, series and splits."""
