"""One small file for each product: what it is told by, what is read of it, its sign and its source.

A new product is a module here with a `PRODUCT`, and a line in `table.py`.
"""
