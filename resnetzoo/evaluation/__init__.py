"""Evaluate networks: error and loss on a set of images, and the agreement of two networks."""
