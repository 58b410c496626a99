"""Posts: drafts, publishing, and lists of what one may see."""
