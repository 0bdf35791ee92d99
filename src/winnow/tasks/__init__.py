"""What a service answers: input, answer and metrics, per task."""
