"""Pages for those who run a township: the first page of its hub, its organisation, its nodes."""
