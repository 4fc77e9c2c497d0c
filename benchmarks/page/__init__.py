"""The page: many visitors, large scenes, visitors who race."""
