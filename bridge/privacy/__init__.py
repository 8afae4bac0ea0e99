"""What is kept about one person: all of it as an archive, or gone."""
