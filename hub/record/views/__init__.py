"""A record to look at: pictures over time, a page, a STAC catalogue."""
