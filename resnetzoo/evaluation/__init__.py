"""resnetzoo/evaluation."""
