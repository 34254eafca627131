"""What was delivered, shown to others and looked at again."""
