"""What functions and classes of the standard library and of others return, as far as settings use them."""
