"""What a visitor brings or chooses."""
