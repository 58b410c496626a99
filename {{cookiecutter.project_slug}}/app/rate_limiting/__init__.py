"""How often a client, or anybody for one account, may try."""
