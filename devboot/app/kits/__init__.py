"""Kits: files that contain everything a project needs for a machine without network; see `pack`, `up --from`."""
