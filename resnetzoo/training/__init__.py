"""How a network is trained: recipes, schedules, the trainer, and what a run leaves behind."""
