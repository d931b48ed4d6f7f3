"""The user's settings for uv: variables, network, pip's configuration."""
