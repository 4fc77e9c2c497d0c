"""A network asked about a scene of any size, window by window, and the answers put together."""
