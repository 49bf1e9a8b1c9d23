"""resnetzoo/training."""
