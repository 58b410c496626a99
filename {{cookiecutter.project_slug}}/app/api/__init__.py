"""What every route shares: errors, pages of lists, types of fields, and how routes run."""
