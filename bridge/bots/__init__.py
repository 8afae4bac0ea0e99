"""What bots may hear and say, as pure functions: which words bring a person, and which answers are held back."""
