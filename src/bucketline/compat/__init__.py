"""Old names for what is new: programs that were written against others go on."""
