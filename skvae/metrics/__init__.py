"""What a model or its latents are worth: functions, and scorers made of them."""
