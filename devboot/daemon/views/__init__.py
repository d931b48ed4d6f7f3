"""Output for clients: viewers, `ps`, progress of a start, reports of start and shutdown, timings."""
