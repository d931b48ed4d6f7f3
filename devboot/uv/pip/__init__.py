"""pip, where uv can not do what is needed: downloads of wheels, with the configuration of the user."""
