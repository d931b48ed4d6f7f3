"""What devboot knows of web frameworks, worker libraries and tools."""
