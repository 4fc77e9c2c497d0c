"""The ground of a simulated frame: grid, relief, volcanoes, cover."""
