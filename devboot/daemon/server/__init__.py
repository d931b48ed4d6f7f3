"""Conversations with clients: accepted, read, answered, and kept until their request has come to its end."""
