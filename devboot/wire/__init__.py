"""What client and daemon say to each other: frames, greeting, sockets; cheap enough for the fastest command."""
