"""Evaluate networks: error, loss and other metrics on a set of images, and the agreement of two networks."""
