"""What a server gives: many clients at once, and what HTTP costs."""
