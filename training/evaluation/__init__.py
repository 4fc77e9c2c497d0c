"""From logits to the numbers and figures that are reported."""
