"""The same raw requests for both servers; what they answer is compared field by field."""
