"""What a person at a terminal sees and types while a project runs."""
