"""A message as a letter on paper: what it says, in a language, as HTML and as PDF."""
