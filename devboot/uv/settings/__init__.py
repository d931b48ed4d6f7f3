"""What uv is given of the settings of the user: variables, network, the configuration of pip."""
