"""Any product to a scene."""
