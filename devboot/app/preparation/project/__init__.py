"""What a project says about itself, and what flags change of it: manifest, Procfile, detection."""
