"""Games as pages of HTML: the data that a page draws, and the scripts and styles that draw it."""
