"""Pages and the HTTP API: pages by who uses them, components, assets."""
