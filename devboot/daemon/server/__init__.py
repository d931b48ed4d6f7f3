"""Sessions with clients: reads requests, runs them, and answers when they are fulfilled or have failed."""
