"""resnetzoo/models."""
