"""Training: recipes, schedules, the trainer, and the results of a run."""
