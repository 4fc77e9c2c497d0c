"""What goes on by itself: judging what is new, again and again, and telling of deformation."""
