"""What innocent people share every day, in circles of two to a dozen: one way of sharing per file."""
