"""The dog school: dogs, the tricks they learn, and how often each trick has been learnt."""
