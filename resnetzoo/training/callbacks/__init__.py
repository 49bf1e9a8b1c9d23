"""What happens around the training loop: signals, the check for NaN, checkpoints, the log, the record, the bar."""
