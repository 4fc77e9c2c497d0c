"""The operator's records in time: volcano by volcano, every pair that was judged."""
