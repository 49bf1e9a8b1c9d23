"""resnetzoo/utils."""
