"""Protocol between client and daemon: frames, greeting, sockets; cheap enough for the fastest command."""
