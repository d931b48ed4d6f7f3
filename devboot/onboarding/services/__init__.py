"""The servers that the application needs, and the variables by which it finds them."""
