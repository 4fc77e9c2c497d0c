"""A folder of cubes with its annotations, checked and inspected."""
